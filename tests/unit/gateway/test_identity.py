"""Which certificate the gate serves with, and when it makes another."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from remit.gateway.identity import Identity
from remit.gateway.log import Log
from remit.gateway.settings import Settings
from remit.system.certificate import new_certificate, new_key
from remit.system.fingerprint import read_fingerprint


class Place:
    """A gate's two directories, and what it logs."""

    def __init__(self, directory: Path) -> None:
        self.own, self.administrators = directory / "own", directory / "tls"
        self.own.mkdir()
        self.stream = io.StringIO()
        settings = Settings(state=str(self.own), administrators=str(self.administrators))
        self.identity = Identity(settings, Log(self.stream), "web1.example")

    @property
    def served(self) -> str:
        """The fingerprint that was logged last."""
        return [line for line in self.stream.getvalue().splitlines() if "serving" in line][-1]

    def give(self, directory: Path, days: int) -> str:
        """Put a pair there; its fingerprint."""
        directory.mkdir(exist_ok=True)
        key = new_key()
        (directory / "key.pem").write_bytes(key)
        (directory / "cert.pem").write_bytes(new_certificate(key, "given.example", days))
        return read_fingerprint(str(directory / "cert.pem"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_makes_a_pair_of_its_own(place: Place) -> None:
    place.identity.load()
    assert read_fingerprint(str(place.own / "cert.pem")) in place.served
    assert (place.own / "key.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in place.own.iterdir()) == ["cert.pem", "key.pem"]


def test_keeps_it(place: Place) -> None:
    place.identity.load()
    first = place.served
    assert place.identity.reload() is not None
    assert place.stream.getvalue().count("serving") == 1
    assert place.served == first


@pytest.mark.parametrize("days", [0, 29])
def test_renews_it_in_time_with_the_same_key(place: Place, days: int) -> None:
    old = place.give(place.own, days)
    key = (place.own / "key.pem").read_bytes()
    before = (place.own / "cert.pem").read_bytes()
    place.identity.load()
    assert (place.own / "cert.pem").read_bytes() != before
    assert (place.own / "key.pem").read_bytes() == key
    assert old in place.served, "clients that know the host by its key go on knowing it"


def test_does_not_renew_too_early(place: Place) -> None:
    old = place.give(place.own, 31)
    before = (place.own / "cert.pem").read_bytes()
    place.identity.load()
    assert old in place.served
    assert (place.own / "cert.pem").read_bytes() == before


def test_goes_on_after_a_stop_between_key_and_certificate(place: Place) -> None:
    (place.own / "key.pem").write_bytes(new_key())
    place.identity.load()
    assert (place.own / "cert.pem").exists()


def test_the_administrators_comes_first_and_is_left_as_it_is(place: Place) -> None:
    given = place.give(place.administrators, 5)
    place.identity.load()
    assert given in place.served
    assert "expires in 5 days" in place.stream.getvalue()
    assert read_fingerprint(str(place.administrators / "cert.pem")) == given
    assert not list(place.own.iterdir())


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_half_of_the_administrators_is_an_error(place: Place, missing: str) -> None:
    place.give(place.administrators, 90)
    (place.administrators / missing).unlink()
    with pytest.raises(FileNotFoundError):
        place.identity.load()


def test_a_new_one_is_taken_up_and_a_broken_one_is_not(place: Place) -> None:
    place.identity.load()
    given = place.give(place.administrators, 90)
    assert place.identity.reload() is not None
    assert given in place.served
    (place.administrators / "key.pem").write_bytes(new_key())
    assert place.identity.reload() is None
    assert "<3>the certificate in use stays" in place.stream.getvalue()
