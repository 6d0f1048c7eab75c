"""What remitctl cannot do, with the exit status that says so."""

from __future__ import annotations

FAILED = 1
MISUSED = 2


class Failure(Exception):
    """One sentence for the administrator: what was found, what was expected, what to do."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
