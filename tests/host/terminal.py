"""Somebody at a terminal: sees what a program writes there, and types."""

from __future__ import annotations

import os
import pty
import select
import time
from types import TracebackType

PATIENCE = 20.0  # seconds


class Terminal:
    """A pty. `far` is the program's side, to be given to it as its controlling terminal."""

    def __init__(self) -> None:
        self._near, self.far = pty.openpty()
        self.seen = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._near)
        os.close(self.far)

    def expect(self, text: str) -> None:
        """Wait until that is written, after what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self._near], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"waited for {text!r}, saw {self.seen!r}")
            self.seen += os.read(self._near, 65536).decode()
        self.seen = self.seen.partition(text)[2]

    def type(self, line: str) -> None:
        os.write(self._near, f"{line}\n".encode())
