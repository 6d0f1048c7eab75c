"""The worker's ends of a command's pipes: output into a log, input out of frames.

Owns reading, writing and when to stop doing either. What the bytes are for it does not know.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

from remit.wire.problem import ProtocolProblem
from remit.worker.loop import READ, WRITE, Loop
from remit.worker.output import Budget, Log

UNWANTED = 2**64 - 1  # bytes that are disposed of already when no input is read (any more)
INPUT_WINDOW = 256 * 1024  # bytes that a client may send ahead of their being written

_FIRST_READ = 1 << 16  # a pipe's size as it is made
_LARGE_PIPE = 1 << 20
_LARGE_READ = 1 << 18  # one DATA frame


class OutputPipe:
    """Reads one pipe into one log; stands still while the session's budget is used up."""

    def __init__(self, loop: Loop, log: Log, budget: Budget, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._log = log
        self._budget = budget
        self._changed = changed
        self._size = _FIRST_READ
        self._descriptor, self.theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._descriptor, False)

    def resume(self) -> None:
        """Read from now on, if there is room."""
        if self._descriptor >= 0 and not self._budget.is_full:
            self._loop.watch(self._descriptor, READ, self._read, self.close)

    def drain(self) -> None:
        """Take all that is in the pipe, room or not, and close it: nobody writes there any more."""
        while self._descriptor >= 0 and self._take():
            pass
        self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._loop.forget(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        if not self._take():
            self.close()
        elif self._budget.is_full:
            self._loop.forget(self._descriptor)
        self._changed()

    def _take(self) -> bool:
        """Whether more may come, now or later; False also when `drain` finds the pipe empty."""
        try:
            data = os.read(self._descriptor, self._size)
        except BlockingIOError:
            return False
        if len(data) == _FIRST_READ == self._size:
            self._enlarge()
        self._log.append(data) if data else None
        return bool(data)

    def _enlarge(self) -> None:
        """A command that fills its pipe gets a larger one, where the user's limits allow it."""
        self._size = _LARGE_READ
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _LARGE_PIPE)
        except OSError:
            pass


class InputPipe:
    """Writes what a client sends; `disposed` counts the bytes that are written or unwanted."""

    def __init__(self, loop: Loop, wanted: bool, changed: Callable[[], None]) -> None:
        """Without `wanted` the command reads /dev/null and everything sent is thrown away."""
        self._loop = loop
        self._changed = changed
        self._waiting: list[memoryview] = []
        self._received = 0
        self._ended = False
        self.disposed = 0
        self._descriptor = -1
        if wanted:
            self.theirs, self._descriptor = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._descriptor, False)
        else:
            self.theirs = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            self.disposed = UNWANTED

    def receive(self, offset: int, data: bytes) -> None:
        """Bytes from `offset` on; what came before a reconnect is skipped; b"" is the end."""
        if offset > self._received:
            raise ProtocolProblem(f"input at {offset} where {self._received} is next")
        if not data and offset != self._received:
            raise ProtocolProblem(f"an end of input at {offset}, after {self._received} bytes")
        fresh = memoryview(data)[self._received - offset :]
        if fresh and self._ended:
            raise ProtocolProblem("input after its end")
        self._received += len(fresh)
        self._ended = self._ended or not data
        if self._received - self.disposed > INPUT_WINDOW:
            raise ProtocolProblem(f"more than {INPUT_WINDOW} bytes of input ahead")
        if self._descriptor < 0:
            return
        if fresh:
            self._waiting.append(fresh)
        self._write()

    def close(self) -> None:
        """Nobody reads any more: all that waits and all that comes is thrown away."""
        if self._descriptor >= 0:
            self._loop.forget(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        self._waiting.clear()
        self.disposed = UNWANTED

    def _write(self) -> None:
        while self._waiting and self._descriptor >= 0:
            try:
                written = os.writev(self._descriptor, self._waiting[:16])
            except BlockingIOError:
                self._loop.watch(self._descriptor, WRITE, self._write, self.close)
                break
            except OSError:  # EPIPE: the command has closed its input
                self.close()
                break
            self._consume(written)
        if not self._waiting:
            self._loop.forget(self._descriptor)
            if self._ended:
                self.close()
        self._changed()

    def _consume(self, written: int) -> None:
        self.disposed += written
        while written and written >= len(self._waiting[0]):
            written -= len(self._waiting.pop(0))
        if written:
            self._waiting[0] = self._waiting[0][written:]
