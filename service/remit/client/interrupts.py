"""Ctrl-C while a command runs: noticed between two frames, never in the middle of one.

Owns the handler of SIGINT and the wake-up descriptor while it is entered.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

MOST = 3  # the last one does not ask any more


class Interrupts:
    """A descriptor that becomes readable at each SIGINT. Only for the main thread.

    `react` is called for each; the third one raises KeyboardInterrupt in its place.
    """

    def __init__(self) -> None:
        self.times = 0
        self.react: Callable[[], None] = lambda: None
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def fileno(self) -> int:
        return self._read

    def __enter__(self) -> Interrupts:
        self._former_descriptor = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._former_handler = signal.signal(signal.SIGINT, _do_nothing)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._former_handler)
        signal.set_wakeup_fd(self._former_descriptor)
        os.close(self._read)
        os.close(self._write)

    def attend(self) -> None:
        """Read what has come and react to it."""
        for number in os.read(self._read, 64):
            if number != signal.SIGINT:
                continue
            self.times += 1
            if self.times >= MOST:
                raise KeyboardInterrupt
            self.react()


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor says it all; a handler there must be."""
