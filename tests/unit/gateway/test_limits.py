"""Caps and penalties, with a clock that the tests hold."""

from __future__ import annotations

import pytest

from remit.gateway.limits import PENALTIES, Admission, Place, network_of, source_of
from remit.gateway.settings import Caps

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Visit(Place):
    """A connection that knows whether it has lost its place."""

    def __init__(self, address: str) -> None:
        super().__init__(address, self.lose)
        self.lost = False

    def lose(self) -> None:
        self.lost = True


def enter(admission: Admission, address: str, now: float = 0.0) -> str:
    return admission.enter(Visit(address), now)


def visit(admission: Admission, address: str, now: float = 0.0) -> Visit:
    """One that is let in."""
    visit = Visit(address)
    assert not admission.enter(visit, now)
    return visit


@pytest.mark.parametrize(
    ("address", "source", "network"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/56"),
        ("2001:db8:1:2ff:ffff::1", "2001:db8:1:2ff::/64", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/56"),
        ("::1", "::/64", "::/56"),
    ],
)
def test_source_and_network(address: str, source: str, network: str) -> None:
    assert (source_of(address), network_of(address)) == (source, network)


class TestCaps:
    def test_per_source(self) -> None:
        admission = Admission(Caps(strangers_per_source=2))
        assert [enter(admission, HERE) for _ in range(2)] == ["", ""]
        assert "from this address" in enter(admission, HERE)
        assert not enter(admission, THERE)

    def test_per_network(self) -> None:
        admission = Admission(Caps(strangers_per_network=2))
        assert not enter(admission, "2001:db8:0:1::1")
        assert not enter(admission, "2001:db8:0:2::1")
        assert "from this network" in enter(admission, "2001:db8:0:3::1")
        assert not enter(admission, "2001:db8:0:100::1")

    def test_connections_in_all(self) -> None:
        admission = Admission(Caps(connections=1))
        first = visit(admission, HERE)
        admission.recognize(first)
        assert enter(admission, THERE) == "too many connections"
        admission.leave(first)
        assert not enter(admission, THERE)

    def test_those_who_authenticate_or_leave_make_room(self) -> None:
        admission = Admission(Caps(strangers_per_source=1))
        admission.recognize(visit(admission, HERE))
        admission.leave(visit(admission, HERE))
        assert not enter(admission, HERE)

    def test_nothing_is_kept_of_those_who_left(self) -> None:
        admission = Admission(Caps())
        for number in range(1000):
            admission.leave(visit(admission, f"198.51.100.{number % 256}"))
        assert admission.connections == admission.strangers == 0

    def test_crowded_above_one_half(self) -> None:
        admission = Admission(Caps(strangers=4))
        crowded = []
        for _ in range(4):
            visit(admission, HERE)
            crowded.append(admission.is_crowded())
        assert crowded == [False, False, True, True]


class TestDisplacement:
    """Somebody who comes when strangers have all their places."""

    def test_the_oldest_of_those_with_the_most(self) -> None:
        admission = Admission(Caps(strangers=4))
        honest = visit(admission, "198.51.100.1")
        many = [visit(admission, HERE) for _ in range(3)]
        newest = visit(admission, THERE)
        assert [each.lost for each in (honest, *many, newest)] == [False, True, False, False, False]

    def test_the_oldest_where_all_have_as_many(self) -> None:
        admission = Admission(Caps(strangers=3))
        visits = [visit(admission, f"192.0.2.{number}") for number in range(5)]
        assert [each.lost for each in visits] == [True, True, False, False, False]

    def test_whoever_owes_first(self) -> None:
        admission = Admission(Caps(strangers=3))
        admission.punish(THERE, 3.0, 0.0)
        visits = [visit(admission, address) for address in (HERE, THERE, "192.0.2.3", "192.0.2.4")]
        assert [each.lost for each in visits] == [False, True, False, False]

    def test_networks_count_as_one(self) -> None:
        admission = Admission(Caps(strangers=3))
        addresses = (HERE, "2001:db8:0:1::1", "2001:db8:0:2::1", THERE)
        visits = [visit(admission, address) for address in addresses]
        assert [each.lost for each in visits] == [False, True, False, False]

    def test_those_who_have_authenticated_stay(self) -> None:
        admission = Admission(Caps(strangers=1))
        known = visit(admission, HERE)
        admission.recognize(known)
        stranger = visit(admission, HERE)
        visit(admission, THERE)
        assert (known.lost, stranger.lost) == (False, True)

    def test_the_numbers_stay_right(self) -> None:
        admission = Admission(Caps(strangers=2))
        visits = [visit(admission, f"192.0.2.{number}") for number in range(5)]
        assert (admission.strangers, admission.connections) == (2, 5)
        admission.recognize(visits[0])  # it had authenticated when it lost its place
        for each in visits:
            admission.leave(each)
        assert admission.strangers == admission.connections == 0

    def test_eight_addresses_cannot_keep_a_ninth_out(self) -> None:
        """However often they come again."""
        admission = Admission(Caps())
        attackers = [f"198.51.100.{number}" for number in range(8)]
        for address in attackers:
            for _ in range(8):
                visit(admission, address)
        honest = visit(admission, HERE)
        for _ in range(100):
            for address in attackers:
                enter(admission, address)
        assert not honest.lost


class TestPenalties:
    def test_one_failure_is_forgiven(self) -> None:
        admission = Admission(Caps())
        admission.punish(HERE, 3.0, 0.0)
        assert not enter(admission, HERE)

    def test_many_are_refused_until_they_are_paid_for(self) -> None:
        admission = Admission(Caps(tolerated=10.0))
        for _ in range(5):
            admission.punish(HERE, 3.0, 100.0)
        assert "too many failures" in enter(admission, HERE, 100.0)
        assert "too many failures" in enter(admission, HERE, 104.0)
        assert not enter(admission, THERE, 104.0)
        assert not enter(admission, HERE, 105.0)

    def test_there_is_a_most(self) -> None:
        admission = Admission(Caps(tolerated=10.0, longest=60.0))
        for _ in range(1000):
            admission.punish(HERE, 5.0, 0.0)
        assert enter(admission, HERE, 49.0)
        assert not enter(admission, HERE, 50.0)

    def test_a_person_who_mistypes_is_not_refused_and_a_machine_is(self) -> None:
        """Two seconds of PAM for each try."""
        admission, refused = Admission(Caps()), []
        for number in range(60):
            now, place = number * 2.0, Visit(HERE)
            refused.append(bool(admission.enter(place, now)))
            if not refused[-1]:
                admission.leave(place)
                admission.punish(HERE, PENALTIES["denied"], now + 2.0)
        assert not any(refused[:20])
        assert any(refused[20:])

    def test_the_table_is_bounded_and_forgets_the_oldest(self) -> None:
        admission = Admission(Caps(sources=3, tolerated=1.0))
        a, b, c, d = (f"192.0.2.{number}" for number in range(4))
        for source in (a, b, c, a, d):
            admission.punish(source, 3.0, 0.0)
        assert not enter(admission, b)
        assert all(enter(admission, source) for source in (a, c, d))

    def test_every_offence_costs_something(self) -> None:
        assert all(seconds > 0 for seconds in PENALTIES.values())
