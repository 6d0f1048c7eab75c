"""What a process says about itself to the kernel: who may look into it, who dies first.

Sources: prctl(2), PR_SET_DUMPABLE; proc(5), oom_score_adj.
"""

from __future__ import annotations

import ctypes
import os

_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True)


def set_undumpable() -> None:
    """No core dump of this process, and no ptrace or /proc/PID/mem for others of its uid.

    A child inherits this until it executes a program. OSError if the kernel refuses.
    """
    if _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or not is_undumpable():
        raise OSError(ctypes.get_errno(), "the process cannot be made undumpable")


def is_undumpable() -> bool:
    return bool(_libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)


def release_memory() -> None:
    """Give memory that is free back to the kernel; see malloc_trim(3)."""
    _libc.malloc_trim(0)


def offer_to_oom_killer(pid: int, score: int = 500) -> None:
    """Make the kernel kill this process of ours before others when memory is short.

    Nothing happens if the process is gone or not ours to change: the score is a preference.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(descriptor, b"%d" % score)
    except OSError:
        pass
    finally:
        os.close(descriptor)
