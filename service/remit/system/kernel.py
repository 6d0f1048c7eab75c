"""What this boot of this kernel is: its id, and the namespaces of PID 1.

Sources: proc(5), namespaces(7).
"""

from __future__ import annotations

import os
from pathlib import Path

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def boot_id() -> str:
    """32 hex digits, another at every boot. OSError without CAP_SYS_PTRACE.

    As PID 1 sees it: a container has one of its own, mounted where a service's own view of /proc
    may show the kernel's.
    """
    path = Path("/proc/1/root/proc/sys/kernel/random/boot_id")
    return path.read_text().strip().replace("-", "")


def first_namespaces() -> dict[str, str]:
    """Of each kind the identity of PID 1's namespace. OSError without CAP_SYS_PTRACE."""
    return {kind: str(os.stat(f"/proc/1/ns/{kind}").st_ino) for kind in NAMESPACES}
