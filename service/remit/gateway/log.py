"""What the gate tells the journal: one line each on standard error, with its priority.

Owns the form of a line and the limit on their number. Never gets the contents of a message.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TextIO

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6

_LONGEST = 512  # characters of one line


class Log:
    """Lines that strangers cause are limited: `most` in each `period` seconds, the rest counted."""

    def __init__(
        self,
        stream: TextIO,
        most: int = 20,
        period: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._most = most
        self._period = period
        self._clock = clock
        self._since = clock()
        self._written = 0
        self._left_out = 0

    def write(self, priority: int, text: str) -> None:
        """Write a line about the gate itself."""
        try:
            self._stream.write(f"<{priority}>{escape(text)[:_LONGEST]}\n")
            self._stream.flush()
        except OSError:
            pass  # the journal is being restarted; there is nowhere to say so

    def about(self, peer: str, text: str, priority: int = NOTICE) -> None:
        """Write a line that a peer caused, unless there were too many."""
        now = self._clock()
        if now - self._since >= self._period:
            self.flush()
            self._since, self._written = now, 0
        if self._written >= self._most:
            self._left_out += 1
            return
        self._written += 1
        self.write(priority, f"{peer}: {text}")

    def defect(self, error: BaseException) -> None:
        """Write where an exception came from that nobody expected; its text may be a peer's."""
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" in {frame.name}, {frame.filename}:{frame.lineno}" for frame in last)
        self.about("a defect", f"{type(error).__name__}{where}", ERROR)

    def flush(self) -> None:
        """Say how many lines were left out since it was last said."""
        if self._left_out:
            self.write(WARNING, f"{self._left_out} more such lines left out")
            self._left_out = 0


def escape(text: str) -> str:
    """The text with everything that a terminal could take for a command made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
