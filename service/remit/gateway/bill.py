"""What one connection costs its source: each failed attempt at once, its place when it ends.

Pure bookkeeping, like limits.py. Knows messages by their types alone.
"""

from __future__ import annotations

from remit.gateway.limits import PENALTIES, Admission


class Bill:
    """`stranger` until somebody has authenticated. `rent` is due for each second until then."""

    def __init__(self, admission: Admission, source: str, rent: float, now: float) -> None:
        self.stranger = True
        self._admission = admission
        self._source = source
        self._rent = rent
        self._begun = now
        self._paid = 0.0
        self._trying = False  # between `authenticate` and its outcome
        self._guessing = False  # an answer was given, and what came of it is not known yet

    def observe(self, type_: str, code: str, now: float) -> None:
        """A message goes by, of either side. Whatever an attempt failed of, it is paid for: a
        host that is not well must not be a host where guessing is free."""
        if type_ == "authenticate":
            self._trying = True
        elif type_ == "answer":
            self._guessing = True
        elif type_ == "authenticated":
            self.stranger = self._trying = self._guessing = False
        elif type_ == "failed":
            if self._trying or code == "denied":
                self._charge(PENALTIES["denied"], now)
            self._trying = self._guessing = False
        elif type_ != "prompt":
            self._guessing = False

    def settle(self, offence: str, now: float) -> None:
        """The connection has ended, by an offence of PENALTIES. To leave before an answer's
        outcome is said does not make it cheaper."""
        if self._guessing:
            self._charge(PENALTIES["denied"], now)
        if self.stranger:
            rent = (now - self._begun) * self._rent - self._paid
            self._charge(max(PENALTIES[offence], rent), now)

    def _charge(self, seconds: float, now: float) -> None:
        self._paid += seconds
        self._admission.punish(self._source, seconds, now)
