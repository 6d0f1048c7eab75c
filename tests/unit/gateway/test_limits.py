"""Caps and penalties, with a clock that the tests hold."""

from __future__ import annotations

import pytest

from remit.gateway.limits import PENALTIES, Admission, source_of
from remit.gateway.settings import Caps

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_source_of(address: str, source: str) -> None:
    assert source_of(address) == source


class TestCaps:
    def test_per_source(self) -> None:
        admission = Admission(Caps(strangers_per_source=2))
        assert [admission.enter(HERE, 0.0) for _ in range(2)] == ["", ""]
        assert "from this address" in admission.enter(HERE, 0.0)
        assert not admission.enter(THERE, 0.0)

    def test_strangers_in_all(self) -> None:
        admission = Admission(Caps(strangers=2, strangers_per_source=2))
        assert not admission.enter(HERE, 0.0)
        assert not admission.enter(THERE, 0.0)
        assert "not authenticated" in admission.enter("192.0.2.3", 0.0)

    def test_connections_in_all(self) -> None:
        admission = Admission(Caps(connections=1))
        assert not admission.enter(HERE, 0.0)
        admission.recognize(HERE)
        assert admission.enter(THERE, 0.0) == "too many connections"
        admission.leave(HERE, stranger=False)
        assert not admission.enter(THERE, 0.0)

    def test_those_who_authenticate_or_leave_make_room(self) -> None:
        admission = Admission(Caps(strangers=1, strangers_per_source=1))
        assert not admission.enter(HERE, 0.0)
        admission.recognize(HERE)
        assert not admission.enter(HERE, 0.0)
        admission.leave(HERE, stranger=True)
        assert not admission.enter(HERE, 0.0)

    def test_nothing_is_kept_of_those_who_left(self) -> None:
        admission = Admission(Caps())
        for number in range(1000):
            source = f"198.51.100.{number % 256}"
            assert not admission.enter(source, 0.0)
            admission.leave(source, stranger=True)
        assert admission.connections == admission.strangers == 0
        assert not admission._strangers


class TestPenalties:
    def test_one_failure_is_forgiven(self) -> None:
        admission = Admission(Caps())
        admission.punish(HERE, "denied", 0.0)
        assert not admission.enter(HERE, 0.0)

    def test_many_are_refused_until_they_are_paid_for(self) -> None:
        admission = Admission(Caps(tolerated=10.0))
        for _ in range(5):
            admission.punish(HERE, "denied", 100.0)  # 15 s
        assert "too many failures" in admission.enter(HERE, 100.0)
        assert "too many failures" in admission.enter(HERE, 104.0)
        assert not admission.enter(THERE, 104.0)
        assert not admission.enter(HERE, 105.0)

    def test_there_is_a_most(self) -> None:
        admission = Admission(Caps(tolerated=10.0, longest=60.0))
        for _ in range(1000):
            admission.punish(HERE, "timeout", 0.0)
        assert admission.enter(HERE, 49.0)
        assert not admission.enter(HERE, 50.0)

    def test_a_person_who_mistypes_is_not_refused_and_a_machine_is(self) -> None:
        """Two seconds of PAM for each try."""
        admission, refused = Admission(Caps()), []
        for number in range(60):
            now = number * 2.0
            refused.append(bool(admission.enter(HERE, now)))
            if not refused[-1]:
                admission.leave(HERE, stranger=True)
                admission.punish(HERE, "denied", now + 2.0)
        assert not any(refused[:20])
        assert any(refused[20:])

    def test_the_table_is_bounded_and_forgets_the_oldest(self) -> None:
        admission = Admission(Caps(sources=3, tolerated=1.0))
        for source in ("a", "b", "c", "a", "d"):
            admission.punish(source, "denied", 0.0)
        assert not admission.enter("b", 0.0)
        assert all(admission.enter(source, 0.0) for source in ("a", "c", "d"))

    def test_every_offence_costs_something(self) -> None:
        assert all(seconds > 0 for seconds in PENALTIES.values())
