#!/usr/bin/python3
"""Attacks on a sandbox, tried from inside: `probe ATTACK [ARGUMENT]` prints what came of it.

Copied onto the host and run twice: as a command of a session, and beside it without the session's
sandbox, where the attack has to succeed or the test would prove nothing.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def write(path: str) -> str:
    Path(path).write_text("x")
    return "written"


def read(path: str) -> str:
    return f"read {len(Path(path).read_bytes())} bytes"


def tree(path: str) -> str:
    return f"listed {len(os.listdir(path))} entries"


def stream(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
    return "connected"


def tcp(place: str) -> str:
    host, _, port = place.rpartition(":")
    with socket.create_connection((host, int(port)), 3):
        return "connected"


def memfd(_: str) -> str:
    os.close(os.memfd_create("x"))
    return "created"


def namespace(_: str) -> str:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return "unshared"


def setuid(program: str) -> str:
    return f"euid {subprocess.run([program], capture_output=True, text=True).stdout.strip()}"


def parent_memory(_: str) -> str:
    with open(f"/proc/{os.getppid()}/mem", "rb"):
        return "opened"


def processes(owner: str) -> str:
    found = [pid for pid in os.listdir("/proc") if pid.isdigit()]
    others = [pid for pid in found if os.stat(f"/proc/{pid}").st_uid == int(owner)]
    return f"saw {len(others)}" if others else "saw none"


def descriptors(_: str) -> str:
    return " ".join(sorted(os.listdir("/proc/self/fd"), key=int)[:-1])


def control_group(_: str) -> str:
    """Leave one's own control group for that of the session's worker."""
    own = Path("/proc/self/cgroup").read_text().strip().removeprefix("0::")
    Path(f"/sys/fs/cgroup{Path(own).parent}/cgroup.procs").write_text("0")
    return "moved"


ATTACKS: dict[str, Callable[[str], str]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        write, read, tree, stream, tcp, memfd, namespace, setuid, parent_memory, processes,
        descriptors, control_group,
    )
}  # fmt: skip


def main() -> int:
    try:
        result = ATTACKS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    except OSError as error:
        sys.stdout.write(f"refused: {error.strerror or error}\n")
        return 1
    sys.stdout.write(f"{result}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
