"""The file of pins: private, whole, and strict about what it says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from remit.client.known_hosts import KnownHosts, default_path, is_fingerprint
from remit.client.target import Address
from remit.wire.problem import Problem

WEB1 = Address("web1", 8622)
SIX = Address("2001:db8::1", 9)
ONE = "SHA256:" + "1" * 43
TWO = "SHA256:" + "2" * 43


def at(path: Path) -> KnownHosts:
    return KnownHosts(str(path / "remit" / "known_hosts"), str(path / "system"))


def test_put_and_find(tmp_path: Path) -> None:
    known = at(tmp_path)
    assert known.find(WEB1) is None
    known.put(WEB1, ONE)
    known.put(SIX, TWO)
    pin = known.find(WEB1)
    assert pin is not None
    assert (pin.fingerprint, pin.where) == (ONE, f"{known.path}:1")
    assert Path(known.path).read_text() == f"web1:8622 {ONE}\n[2001:db8::1]:9 {TWO}\n"
    assert known.find(Address("web1", 9)) is None


def test_it_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    known = at(tmp_path)
    known.put(WEB1, ONE)
    assert stat.S_IMODE(os.stat(known.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "remit").st_mode) == 0o700
    assert os.listdir(tmp_path / "remit") == ["known_hosts"]


def test_put_replaces_and_keeps_the_rest(tmp_path: Path) -> None:
    known = at(tmp_path)
    (tmp_path / "remit").mkdir()
    Path(known.path).write_text(f"# mine\n\nWEB1:8622 {ONE}\ndb1:8622 {ONE}")
    known.put(WEB1, TWO)
    lines = Path(known.path).read_text()
    assert lines == f"# mine\n\ndb1:8622 {ONE}\nweb1:8622 {TWO}\n"


def test_the_systems_file_comes_second(tmp_path: Path) -> None:
    known = at(tmp_path)
    (tmp_path / "system").write_text(f"web1:8622 {ONE}\n")
    pin = known.find(WEB1)
    assert pin is not None
    assert pin.fingerprint == ONE
    known.put(WEB1, TWO)
    pin = known.find(WEB1)
    assert pin is not None
    assert pin.fingerprint == TWO


@pytest.mark.parametrize("line", ["web1:8622", "web1:8622 MD5:1", f"web1:8622 {ONE} more"])
def test_a_bad_line_is_an_error_with_its_place(tmp_path: Path, line: str) -> None:
    known = at(tmp_path)
    (tmp_path / "remit").mkdir()
    Path(known.path).write_text(f"# one\n{line}\n")
    with pytest.raises(Problem, match=f"{known.path}:2: found .* expected") as caught:
        known.find(WEB1)
    assert caught.value.code == "untrusted"


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "remit").write_text("in the way")
    with pytest.raises(Problem, match="known_hosts: "):
        at(tmp_path).put(WEB1, ONE)


def test_writers_do_not_lose_each_others_lines(tmp_path: Path) -> None:
    hosts = [Address(f"host{number}", 8622) for number in range(20)]
    children = []
    for host in hosts:
        child = os.fork()
        if child == 0:
            at(tmp_path).put(host, ONE)
            os._exit(0)
        children.append(child)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    known = at(tmp_path)
    assert all(known.find(host) for host in hosts)


def test_default_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REMIT_KNOWN_HOSTS", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == f"{tmp_path}/.config/remit/known_hosts"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/xdg")
    assert default_path() == "/etc/xdg/remit/known_hosts"
    monkeypatch.setenv("REMIT_KNOWN_HOSTS", "/k")
    assert default_path() == "/k"


def test_fingerprints() -> None:
    assert is_fingerprint(ONE)
    assert not is_fingerprint(ONE[:-1])
    assert not is_fingerprint("1" * 43)
    assert not is_fingerprint("SHA256:" + "-" * 43)
