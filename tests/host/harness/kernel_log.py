"""The kernel's log of this machine: crashes in hosts leave no core file, but a line here."""

from __future__ import annotations

import os
import re

_CRASH = re.compile(r"segfault at|general protection|trap (?!invalid)|type=1326|BUG:|Oops|oom-kill")


class KernelLog:
    """Reads /dev/kmsg from the moment it is made on."""

    def __init__(self) -> None:
        self._descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def crashes(self) -> list[str]:
        """Lines since the last call that tell of a crash, a seccomp kill or a lack of memory."""
        found: list[str] = []
        while True:
            try:
                record = os.read(self._descriptor, 8192).decode(errors="replace")
            except BlockingIOError:
                return found
            except BrokenPipeError:  # records were overwritten before we read them
                continue
            message = record.partition(";")[2].partition("\n")[0]
            if _CRASH.search(message):
                found.append(message)

    def close(self) -> None:
        """Stop reading."""
        os.close(self._descriptor)
