"""What was asked of a session and what became of it, until the client has confirmed all of it.

Owns the map of request ids: a request that is sent again after a cut is answered, not run again.
"""

from __future__ import annotations

from remit.wire.frame import STDERR, STDOUT
from remit.wire.message import Message
from remit.wire.problem import Problem
from remit.worker.output import Budget, Log
from remit.worker.pipes import InputPipe

MAX_REMEMBERED = 256
MAX_UNSETTLED = 64
_MAX_CHANNEL = 65535


class Request:
    """One `run`: first perhaps a failure, else a channel, its output, and in the end `exited`."""

    __slots__ = ("channel", "exited", "failed", "id", "input", "logs", "settled", "started")

    def __init__(self, id_: str, channel: int, budget: Budget) -> None:
        self.id = id_
        self.channel = channel
        self.logs = {STDOUT: Log(budget), STDERR: Log(budget)}
        self.input: InputPipe | None = None
        self.started = False
        self.settled = False
        self.exited: Message | None = None
        self.failed: Message | None = None

    def fail(self, problem: Problem) -> None:
        """It did not come to run. There is nothing to confirm."""
        self.failed = Message("failed", id=self.id, code=problem.code, message=problem.message)
        self._settle()

    def end(self, status: int) -> None:
        """It ran; a negative status is the number of the signal that ended it."""
        how = {"signal": -status} if status < 0 else {"status": status}
        ends = {"stdout": self.logs[STDOUT].end, "stderr": self.logs[STDERR].end}
        self.exited = Message("exited", id=self.id, channel=self.channel, **how, **ends)

    def is_confirmed(self) -> bool:
        """Whether every byte of a request that has ended is in the client's hands."""
        ends = all(log.acknowledged >= log.end for log in self.logs.values())
        return self.exited is not None and ends

    def settle_if_confirmed(self) -> None:
        """The client has also seen that it ended: nothing is owed any more."""
        if self.is_confirmed():
            self._settle()

    def _settle(self) -> None:
        self.settled = True
        self.input = None
        for log in self.logs.values():
            log.discard_all()


class Requests:
    """The requests of a session, oldest first."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._known: dict[str, Request] = {}
        self._channel = 0

    def find(self, id_: str) -> Request | None:
        return self._known.get(id_)

    def unsettled(self) -> list[Request]:
        return [request for request in self._known.values() if not request.settled]

    def add(self, id_: str) -> Request:
        """A new one, with a channel of its own."""
        request = Request(id_, self._next_channel(), self._budget)
        self._known[id_] = request
        if len(self._known) > MAX_REMEMBERED:
            del self._known[next(key for key, each in self._known.items() if each.settled)]
        return request

    def forget(self, id_: str) -> None:
        """Let the same id be asked for anew."""
        self._known.pop(id_, None)

    def has_room(self) -> bool:
        """Whether the client has not left too many answers unconfirmed, the latest aside."""
        return len(self.unsettled()) <= MAX_UNSETTLED

    def _next_channel(self) -> int:
        taken = {request.channel for request in self.unsettled()}
        while True:
            self._channel = self._channel % _MAX_CHANNEL + 1
            if self._channel not in taken:
                return self._channel
