"""A filter of system calls for one command: no new namespaces.

systemd's RestrictNamespaces= would do it for the whole unit, but it has to take clone3 away, whose
arguments no filter can see, and the worker starts its commands with clone3 (to be born in their
control groups). So the worker keeps clone3 and each command loses it here, before its program.
Sources: seccomp(2), clone(2), linux/filter.h, linux/audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_INSTRUCTION = struct.Struct("=HBBI")  # code, jump if true, jump if false, operand
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data

_CLONE3 = 435
_NAMESPACES = 0x7E020000  # CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET
_OTHER_ABI = 0x40000000  # x32 on x86-64; no number of any other machine is as large

# By uname's machine: the audit architecture, and the numbers of clone, unshare and setns.
_MACHINES = {
    "aarch64": (0xC00000B7, 220, 97, 268),
    "riscv64": (0xC00000F3, 220, 97, 268),
    "x86_64": (0xC000003E, 56, 272, 308),
}

_libc = ctypes.PyDLL(None, use_errno=True)


def make_filter(machine: str) -> bytes:
    """The program for a machine. OSError (ENOSYS) for one whose numbers are not known here."""
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {machine}")
    architecture, clone, unshare, setns = _MACHINES[machine]
    deny, unknown = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    # Jumps count from the next instruction: the last three are EPERM, ENOSYS, allow.
    program = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, 8, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 6, 0, _OTHER_ABI),
        (_EQUAL, 6, 0, _CLONE3),
        (_EQUAL, 4, 0, unshare),
        (_EQUAL, 3, 0, setns),
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 2, _NAMESPACES),
        (_RETURN, 0, 0, deny),
        (_RETURN, 0, 0, unknown),
        (_RETURN, 0, 0, _ALLOW),
    )
    return b"".join(_INSTRUCTION.pack(*each) for each in program)


def install_filter(program: bytes) -> None:
    """For this process and its children, for good. OSError without no_new_privs or capability."""
    length = len(program) // _INSTRUCTION.size
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", length, ctypes.addressof(code))
    if _libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the filter of system calls: {os.strerror(number)}")
