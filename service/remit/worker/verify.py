"""Whether the sandbox that was ordered is the sandbox that is there.

systemd goes on without what it cannot set up, so a session looks for itself and does not serve in
less than it was promised. Each promise is one function in CHECKS; what is not in the table fails.
Sources: proc(5), systemd.exec(5).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping

from remit.system.process import is_undumpable

_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


class Facts:
    """What the kernel says about this process."""

    __slots__ = ("mounts", "status")

    def __init__(self, status: Mapping[str, str], mounts: frozenset[str]) -> None:
        """The fields of /proc/self/status, and the paths at which something is mounted."""
        self.status = status
        self.mounts = mounts

    @classmethod
    def of_this_process(cls) -> Facts:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
            lines = [line.split(":", 1) for line in file]
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = frozenset(line.split()[4] for line in file)
        return cls({name: value.strip() for name, value in lines}, mounts)


Check = Callable[[object, Facts], str]


def find_faults(promised: Mapping[str, object], facts: Facts) -> list[str]:
    """One sentence for each promise that is not kept; [] if all are.

    Nobody may be able to look into the worker, whether that was promised or not. What cannot be
    seen from here: a process of the same user in another session may have opened /proc/PID/mem in
    the few milliseconds before the worker became undumpable, and it keeps what it has opened. Only
    sessions that have a user of their own are safe from that.
    """
    faults = []
    if not is_undumpable() or facts.status.get("TracerPid") != "0":
        faults.append("another process can look into the worker")
    for name, value in promised.items():
        check = CHECKS.get(name)
        try:
            found = check(value, facts) if check else "no check for it in this version of remit"
        except (OSError, ValueError) as error:
            found = f"that it cannot be checked: {error}"
        if found:
            faults.append(f"{name}: promised {value!r}, found {found}")
    return faults


def _check_no_new_privileges(promised: object, facts: Facts) -> str:
    _expect_true(promised)
    found = facts.status.get("NoNewPrivs")
    return "" if found == "1" else f"NoNewPrivs {found}"


def _check_seccomp(promised: object, facts: Facts) -> str:
    _expect_true(promised)
    found = facts.status.get("Seccomp")
    return "" if found == "2" else f"Seccomp {found}"


def _check_capabilities(promised: object, facts: Facts) -> str:
    """Of no set more than the promised bits, given in hexadecimal."""
    allowed = int(str(promised), 16)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        found = facts.status.get(kind, "ffffffffffffffff")
        if int(found, 16) & ~allowed:
            return f"{kind} {found}"
    return ""


def _check_namespaces(promised: object, facts: Facts) -> str:
    """Of each kind another namespace than PID 1's, whose identity was given."""
    if not isinstance(promised, dict):
        raise ValueError("a table was expected")
    for kind, first in promised.items():
        if kind not in _NAMESPACES:
            return f"{kind}, which is no kind of namespace"
        own = os.readlink(f"/proc/self/ns/{kind}")
        if own == f"{kind}:[{first}]":
            return f"the host's {kind} namespace"
    return ""


def _check_read_only(promised: object, facts: Facts) -> str:
    for path in _paths(promised):
        try:
            read_only = os.statvfs(path).f_flag & os.ST_RDONLY
        except OSError as error:
            return f"{path}: {error.strerror}"
        if not read_only:
            return f"{path} mounted for writing"
    return ""


def _check_hidden(promised: object, facts: Facts) -> str:
    """Not there, nothing that this user can use, or nothing that anybody can."""
    for path in _paths(promised):
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except OSError:
            continue
        usable = os.access(path, os.R_OK) or os.access(path, os.W_OK)
        if mode & 0o777 and usable:
            return f"{path} accessible"
    return ""


def _check_no_exec(promised: object, facts: Facts) -> str:
    for path in _paths(promised):
        if not os.statvfs(path).f_flag & os.ST_NOEXEC:
            return f"{path} without noexec"
    return ""


def _check_uid(promised: object, facts: Facts) -> str:
    found = set(os.getresuid())
    return "" if found == {promised} else f"uid {' '.join(map(str, sorted(found)))}"


def _check_gid(promised: object, facts: Facts) -> str:
    found = set(os.getresgid())
    return "" if found == {promised} else f"gid {' '.join(map(str, sorted(found)))}"


def _check_private_tmp(promised: object, facts: Facts) -> str:
    _expect_true(promised)
    shared = [path for path in ("/tmp", "/var/tmp") if path not in facts.mounts]  # noqa: S108
    return "the host's " + ", ".join(shared) if shared else ""


def _expect_true(promised: object) -> None:
    if promised is not True:
        raise ValueError("true was expected")


def _paths(promised: object) -> list[str]:
    if isinstance(promised, list) and all(isinstance(path, str) for path in promised):
        return promised
    raise ValueError("a list of paths was expected")


CHECKS: Mapping[str, Check] = {
    "capabilities": _check_capabilities,
    "gid": _check_gid,
    "hidden": _check_hidden,
    "namespaces": _check_namespaces,
    "no_exec": _check_no_exec,
    "no_new_privileges": _check_no_new_privileges,
    "private_tmp": _check_private_tmp,
    "read_only": _check_read_only,
    "seccomp": _check_seccomp,
    "uid": _check_uid,
}
