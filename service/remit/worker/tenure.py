"""How long a session lives when nobody is attached: kept or owned, lost or idle.

Pure: every method is told the time (seconds of CLOCK_MONOTONIC). Ends nothing itself.
"""

from __future__ import annotations

LOSS_SECONDS = 240.0  # the time that a lost client has for coming back

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class Tenure:
    """A kept session ends by idling only; any other belongs to the client that made it."""

    __slots__ = ("_alone_since", "_attached", "_busy", "_idle_since", "_idle_timeout", "kept")

    def __init__(self, now: float, kept: bool, idle_timeout: float) -> None:
        """`idle_timeout` in seconds, 0 for none. The client has yet to come: as if it were lost."""
        self.kept = kept
        self._idle_timeout = idle_timeout
        self._attached = False
        self._busy = False
        self._alone_since = now
        self._idle_since: float | None = now

    @property
    def idle_since(self) -> float | None:
        """Since when nobody has been attached and nothing has run; None if that is not so."""
        return self._idle_since

    def attach(self) -> None:
        self._attached = True
        self._idle_since = None

    def detach(self, now: float) -> None:
        """On purpose: from now on the session is kept."""
        self.kept = True
        self._leave(now)

    def lose(self, now: float, owes: bool) -> None:
        """`owes`: there is output, or an exit status, that the client has not confirmed."""
        self.kept = self.kept or owes or self._busy
        self._leave(now)

    def set_busy(self, now: float, busy: bool) -> None:
        """Whether a command runs."""
        self._busy = busy
        self._idle_since = None if busy or self._attached else self._idle_since or now

    def deadline(self) -> tuple[float, str] | None:
        """When the session ends if nothing happens until then, and the reason; None: never."""
        if self._idle_since is None:
            return None
        if not self.kept:
            return self._alone_since + LOSS_SECONDS, "its client was lost"
        if not self._idle_timeout:
            return None
        return self._idle_since + self._idle_timeout, f"idle for {_say(self._idle_timeout)}"

    def _leave(self, now: float) -> None:
        self._attached = False
        self._alone_since = now
        self._idle_since = None if self._busy else now


def _say(seconds: float) -> str:
    """5400 is 1h30m."""
    rest, said = round(seconds), ""
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        said += f"{count}{unit}" if count else ""
    return said or "0s"
