"""Where a command's output goes: kept, given to a writer, or written to a descriptor.

Owns the writing alone; what was received and must be acknowledged is execution.py's.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
from collections.abc import Callable

from remit.client.interrupts import Interrupts

STEP = 64 * 1024  # written at once to what may block: as much as a pipe takes
LARGE_PIPE = 1024 * 1024  # what a pipe is made to take when there is much to write


class Sink:
    """Keeps what is written to it, in `kept`; the other sinks keep nothing."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def write(self, body: memoryview) -> None:
        """Take all of it. OSError if that is impossible from now on."""
        self.kept += body


class WriterSink(Sink):
    """Gives every piece to somebody's `write`, as bytes, which he may keep."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        super().__init__()
        self._write = write

    def write(self, body: memoryview) -> None:
        self._write(bytes(body))


class DescriptorSink(Sink):
    """Writes to a descriptor that may block for as long as its reader likes.

    Interrupts are attended to meanwhile. (A write that blocks after poll has admitted it is cut
    short by the signal itself: write(2) then returns what it has written so far.)
    """

    def __init__(self, descriptor: int, interrupts: Interrupts) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._interrupts = interrupts
        self._step = STEP
        self._is_enlarged = False
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._poll.register(interrupts, select.POLLIN)

    def write(self, body: memoryview) -> None:
        while body:
            if not self._is_file:
                self._wait()
            try:
                written = os.write(self._descriptor, body[: self._step])
                body = body[written:]
                if written == STEP and not self._is_enlarged:
                    self._enlarge()
            except BlockingIOError:  # somebody else made it non-blocking
                continue

    def _enlarge(self) -> None:
        """Once, and if it is a pipe: its reader is woken less often."""
        self._is_enlarged = True
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, LARGE_PIPE)
        except OSError:
            return
        self._step = LARGE_PIPE

    def _wait(self) -> None:
        while True:
            ready = dict(self._poll.poll())
            if self._interrupts.fileno() in ready:
                self._interrupts.attend()
            if self._descriptor in ready:
                return
