"""Opening what lies beneath a directory, whatever links and renames are tried.

Source: openat2(2). Python has no such call.
"""

from __future__ import annotations

import ctypes
import os
import struct

_SYS_OPENAT2 = 437  # the same number on every architecture
_OPEN_HOW = struct.Struct("=3Q")  # flags mode resolve
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def open_beneath(directory: int, path: str, flags: int) -> int:
    """A descriptor of the relative `path`; a link may be followed as long as it stays beneath.

    OSError: EXDEV when the path leads out, ELOOP at a link of /proc, else as open(2).
    """
    how = _OPEN_HOW.pack(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    found = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(directory),
        os.fsencode(path),
        how,
        ctypes.c_size_t(len(how)),
    )
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return int(found)
