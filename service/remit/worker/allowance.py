"""How many events of a kind a client may cause, as long as what it asks for comes to nothing.

Pure: every method is told the time (seconds of CLOCK_MONOTONIC). Records nothing itself.
"""

from __future__ import annotations

MOST = 20  # in each period
PERIOD = 10.0  # seconds


class Allowance:
    """One kind of event, of one session."""

    __slots__ = ("_began", "_taken", "left_out")

    def __init__(self) -> None:
        self._began = float("-inf")
        self._taken = 0
        self.left_out = 0

    def take(self, now: float) -> bool:
        """Whether one more may be recorded; if not, it is counted."""
        if now - self._began >= PERIOD and not self.left_out:
            self._began, self._taken = now, 0
        if self._taken < MOST:
            self._taken += 1
            return True
        self.left_out += 1
        return False

    def wait(self, now: float) -> float:
        """Seconds until the number of those left out is due."""
        return max(0.0, self._began + PERIOD - now)

    def settle(self) -> int:
        """How many were left out since this was last asked."""
        left_out, self.left_out = self.left_out, 0
        return left_out
