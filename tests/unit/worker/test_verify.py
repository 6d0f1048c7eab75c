"""Each promise of the sandbox, kept and broken, with the kernel's word given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remit.worker import verify
from remit.worker.verify import CHECKS, Facts, find_faults

NONE = "0000000000000000"
STATUS = {
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "TracerPid": "0",
    **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), NONE),
}
MOUNTS = frozenset({"/", "/tmp", "/var/tmp"})


@pytest.fixture(autouse=True)
def _undumpable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "is_undumpable", lambda: True)


def facts(mounts: frozenset[str] = MOUNTS, **status: str) -> Facts:
    return Facts({**STATUS, **status}, mounts)


def own(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}").split("[")[1].rstrip("]")


KEPT: dict[str, object] = {
    "capabilities": "0",
    "gid": os.getgid(),
    "hidden": ["/nowhere/at/all"],
    "namespaces": {"mnt": "1", "net": "2"},
    "no_exec": [],
    "no_new_privileges": True,
    "private_tmp": True,
    "read_only": [],
    "seccomp": True,
    "uid": os.getuid(),
}


def test_every_check_can_be_passed() -> None:
    assert KEPT.keys() == CHECKS.keys()
    assert find_faults(KEPT, facts()) == []


@pytest.mark.parametrize(
    "promise, value, status",
    [
        ("no_new_privileges", True, {"NoNewPrivs": "0"}),
        ("no_new_privileges", False, {}),  # that would be no promise
        ("seccomp", True, {"Seccomp": "1"}),
        *(
            ("capabilities", "0", {kind: "0000000000000001"})
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        ),
        ("capabilities", "2", {"CapEff": "0000000000000003"}),
        ("capabilities", "none", {}),
        ("capabilities", 0, {"CapEff": "1"}),
        ("namespaces", {"net": own("net")}, {}),
        ("namespaces", {"moon": "1"}, {}),
        ("namespaces", ["net"], {}),
        ("read_only", ["/nowhere/at/all"], {}),
        ("read_only", "/usr", {}),
        ("hidden", ["/etc/passwd"], {}),
        ("hidden", [7], {}),
        ("no_exec", ["/"], {}),
        ("uid", os.getuid() + 1, {}),
        ("uid", str(os.getuid()), {}),
        ("gid", os.getgid() + 1, {}),
        ("private_tmp", False, {}),
        ("private_moon", True, {}),
    ],
)
def test_what_is_not_as_promised(promise: str, value: object, status: dict[str, str]) -> None:
    faults = find_faults({**KEPT, promise: value}, facts(MOUNTS, **status))
    assert len(faults) == 1
    assert faults[0].startswith(f"{promise}: promised {value!r}, found ")


def test_fewer_capabilities_than_promised_are_fine() -> None:
    assert find_faults({"capabilities": "3"}, facts(CapEff="0000000000000001")) == []


def test_tmp_of_the_host() -> None:
    faults = find_faults({"private_tmp": True}, facts(frozenset({"/", "/tmp"})))
    assert faults == ["private_tmp: promised True, found the host's /var/tmp"]


def test_writable_and_hidden_files(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert find_faults({"read_only": [str(file)]}, facts())
    assert find_faults({"hidden": [str(file)]}, facts())
    file.chmod(0)  # as systemd covers what is inaccessible; root may read that, and finds nothing
    assert find_faults({"hidden": [str(file)]}, facts()) == []


def test_noexec_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mounted:
        f_flag = os.ST_NOEXEC | os.ST_NOSUID

    monkeypatch.setattr(os, "statvfs", lambda _: Mounted)
    assert find_faults({"no_exec": ["/"]}, facts()) == []


def test_a_traced_worker_serves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = ["another process can look into the worker"]
    assert find_faults({}, facts(TracerPid="17")) == sentence
    monkeypatch.setattr(verify, "is_undumpable", lambda: False)
    assert find_faults({}, facts()) == sentence


def test_every_fault_is_named() -> None:
    assert len(find_faults({"seccomp": True, "moon": 1}, facts(Seccomp="0"))) == 2


def test_the_kernel_s_word_is_read() -> None:
    found = Facts.of_this_process()
    assert {"NoNewPrivs", "Seccomp", "TracerPid", "CapBnd"} <= found.status.keys()
    assert "/proc" in found.mounts
