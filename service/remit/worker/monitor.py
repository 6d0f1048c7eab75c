"""What remitd is told: the session's state at every change, and what happened in it.

While no remitd listens, events wait here, each with its own time. When there are too many, what was
refused goes before what was done, the oldest first, and the next remitd hears first how many.
"""

from __future__ import annotations

import time
from collections import deque

from remit.wire.frame import Frame
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem
from remit.worker.connection import Connection, Owner, Part

MAX_WAITING = 1000  # events and states
MAX_BYTES = 1 << 21  # of them
MAX_UNHEARD = 100  # that wait for a remitd that is there: clients wait then too
MAX_UNHEARD_BYTES = 1 << 18

_LESSER = ("refused", "protocol")  # nothing came of these


class Host:
    """What remitd may ask of a session."""

    def end(self, reason: str) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        """`is_swamped` is over."""
        raise NotImplementedError

    def describe(self) -> dict[str, object]:
        """The state, as PROTOCOL.md has it."""
        raise NotImplementedError


class Word:
    """A frame for remitd; one that `lasts` is for the next remitd if this one does not take it;
    a `lesser` one goes first where there is no room."""

    __slots__ = ("frame", "lasts", "lesser")

    def __init__(self, message: Message, lasts: bool, lesser: bool = False) -> None:
        self.frame = message.encode()
        self.lasts = lasts
        self.lesser = lesser


class Monitor(Owner):
    """The line to remitd. A new one replaces the old; losing it changes nothing."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.connection: Connection | None = None
        self._waiting: deque[Word] = deque()
        self._bytes = 0
        self._behind = False
        self._handed: list[Word] = []
        self._lost = 0
        self._told: dict[str, object] = {}

    def listen(self, connection: Connection) -> None:
        """Answer a connection that has said that it is the monitor."""
        if self.connection is not None:
            self.connection.finish()
        self.connection = connection
        connection.owner = self
        self._told = self._host.describe()
        self._confess()
        self._push_front(Word(Message("ready", state=self._told), lasts=False))
        connection.pump()

    def is_swamped(self) -> bool:
        """remitd is there and has not taken what was said: nothing more is to happen."""
        many = len(self._waiting) > MAX_UNHEARD or self._bytes > MAX_UNHEARD_BYTES
        self._behind = self.connection is not None and many
        return self._behind

    def tell(self, event: str, **fields: str) -> None:
        """Something happened; empty fields are left out."""
        self._put(_event(event, fields))

    def refresh(self) -> None:
        """Tell the state, if it is another than the one told last."""
        state = self._host.describe()
        if self.connection is not None and state != self._told:
            self._told = state
            self._put(Word(Message("state", state=state), lasts=False))

    def close(self, reason: str) -> None:
        """The last words. Without a remitd systemd has the exit status."""
        if self.connection is not None:
            self.connection.finish(Message("ending", reason=reason))

    def take_output(self, room: int) -> list[Part]:
        """Being asked again means that what was handed out before has been sent."""
        self._handed = []
        self._confess()
        while self._waiting and room > 0:
            self._handed.append(self._take(0))
            room -= len(self._handed[-1].frame)
        self._resume()
        return [word.frame for word in self._handed]

    def receive(self, frame: Frame) -> None:
        message = parse_message(frame)
        if message.type != "end":
            raise ProtocolProblem(f"{message.type} on a monitor connection")
        self._host.end(message.text("reason"))

    def lose(self, problem: ProtocolProblem | None) -> None:
        self.connection = None
        unsent = [*self._handed, *self._waiting]
        self._handed = []
        self._waiting = deque(word for word in unsent if word.lasts)
        self._bytes = sum(len(word.frame) for word in self._waiting)
        self._resume()
        if problem is not None:
            self.tell("protocol", reason=f"remitd: {problem.message}")

    def _put(self, word: Word) -> None:
        self._waiting.append(word)
        self._bytes += len(word.frame)
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_BYTES:
            lesser = (index for index, each in enumerate(self._waiting) if each.lesser)
            self._lost += self._take(next(lesser, 0)).lasts
        if self.connection is not None:
            self.connection.pump()

    def _confess(self) -> None:
        if self._lost:
            reason = f"{self._lost} events of this session were lost: remitd did not take them"
            self._push_front(_event("defect", {"reason": reason}))
            self._lost = 0

    def _push_front(self, word: Word) -> None:
        self._waiting.appendleft(word)
        self._bytes += len(word.frame)

    def _take(self, index: int) -> Word:
        word = self._waiting[index]
        del self._waiting[index]
        self._bytes -= len(word.frame)
        return word

    def _resume(self) -> None:
        if self._behind and not self.is_swamped():
            self._host.resume()


def _event(event: str, fields: dict[str, str]) -> Word:
    told: dict[str, object] = {key: value for key, value in fields.items() if value}
    told["time"] = time.time_ns() // 1000  # microseconds, as in the journal
    message = Message("event", event=event, fields=told)
    return Word(message, lasts=True, lesser=event in _LESSER)
