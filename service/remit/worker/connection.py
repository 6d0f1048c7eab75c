"""A framed connection that never blocks and never queues: output is asked for when it can be sent.

Owns one socket. What is said on it belongs to the owner, who may change while it is open. A slow
peer costs the frames in hand (at most `ROOM` bytes, and those are references) and nothing else.
"""

from __future__ import annotations

from _socket import SHUT_WR, socket
from collections.abc import Callable

from remit.wire.frame import Frame, FrameReader
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem
from remit.worker.loop import READ, WRITE, Loop, Timer

Part = bytes | memoryview

ROOM = 1 << 20  # bytes asked for at a time
_RECEIVED = 1 << 16  # bytes read at a time
_FAREWELL = 2.0  # seconds for a peer to take the last words and to hang up


class Owner:
    """Who speaks on a connection."""

    def take_output(self, room: int) -> list[Part]:
        """Whole frames, about `room` bytes; [] if there are none now: pump() when there are."""
        return []

    def is_behind(self) -> bool:
        """Nothing more is to be read from the peer now; resume() when it may go on."""
        return False

    def receive(self, frame: Frame) -> None:
        """A frame came. ProtocolProblem: the peer is told, and the connection ends."""
        raise NotImplementedError

    def lose(self, problem: ProtocolProblem | None) -> None:
        """The connection has ended, not by finish(): for a problem, or the peer is gone. Once."""


class Connection:
    """One accepted socket."""

    def __init__(self, loop: Loop, peer: socket, reader: FrameReader, owner: Owner) -> None:
        self.reader = reader
        self.owner = owner
        self._loop = loop
        self._socket = peer
        self._parts: list[Part] = []
        self._open = True
        self._finishing = False
        self._shut = False
        self._unheard = False
        self._resuming: Timer | None = None
        self._deadline: Timer | None = None
        self._closed: Callable[[Connection], None] | None = None
        peer.setblocking(False)
        self._watch(READ)

    @property
    def is_open(self) -> bool:
        """Whether something said now would still be sent."""
        return self._open and not self._finishing

    def pump(self) -> None:
        """Send what the owner has, as far as the peer takes it."""
        while self._open and not self._shut:
            if not self._parts:
                self._parts = [] if self._finishing else self.owner.take_output(ROOM)
            if not self._parts:
                break
            try:
                sent = self._socket.sendmsg(self._parts)
            except BlockingIOError:
                self._watch(WRITE)
                return
            except OSError:
                self._end()
                return
            self._parts = _without(self._parts, sent)
        if self._open:
            self._watch(0)
            if self._finishing:
                self._shut_down()
            elif self._unheard and not self.owner.is_behind():
                self.resume()

    def resume(self) -> None:
        """The owner may no longer be behind: go on, from the loop, with what has been left."""
        if self.is_open and self._resuming is None:
            self._resuming = self._loop.call_after(0, self._go_on)

    def finish(self, *last: Message) -> None:
        """Say this, send it, hang up, without hearing anything more; `lose` is not called."""
        if not self.is_open:
            return
        self._parts += self.owner.take_output(ROOM)
        self._parts += [message.encode() for message in last]
        self._finishing = True
        self._deadline = self._loop.call_after(_FAREWELL, self._close)
        self.pump()

    def when_closed(self, call: Callable[[Connection], None]) -> None:
        """Call this when the socket is closed, for whatever reason."""
        self._closed = call

    def _watch(self, events: int) -> None:
        """For these, and for reading unless the owner is behind. For nothing at all: not even for
        the peer's end, which would be said again and again."""
        if self._finishing or not self.owner.is_behind():
            events |= READ
        if events:
            self._loop.watch(self._socket.fileno(), events, self._react, self._end)
        else:
            self._loop.forget(self._socket.fileno())

    def _react(self) -> None:
        """Either way may be ready: writing first makes room for what reading may bring about."""
        self.pump()
        if self._open and (self._finishing or not self._unheard):
            self._receive()

    def _go_on(self) -> None:
        self._resuming = None
        if self.is_open:
            self._hear(b"")
        if self._open:
            self.pump()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVED)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
        elif not self._finishing:
            self._hear(data)

    def _hear(self, data: bytes) -> None:
        self.reader.feed(data)
        try:
            while not self._is_held() and (frame := self.reader.next_frame()) is not None:
                self.owner.receive(frame)
                if not self.is_open:
                    return
        except ProtocolProblem as problem:
            self.finish(Message("failed", code=problem.code, message=problem.message))
            self.owner.lose(problem)

    def _is_held(self) -> bool:
        """Whether frames that have come are to wait, and so what has not come yet."""
        self._unheard = self.owner.is_behind()
        if self._unheard:
            self._watch(WRITE if self._parts else 0)
        return self._unheard

    def _shut_down(self) -> None:
        """Close only after the peer: closing over unread bytes would reset the connection."""
        if not self._shut:
            self._shut = True
            try:
                self._socket.shutdown(SHUT_WR)
            except OSError:
                self._close()

    def _end(self) -> None:
        finishing = self._finishing
        self._close()
        if not finishing:
            self.owner.lose(None)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._loop.cancel(self._deadline)
            self._loop.cancel(self._resuming)
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._parts = []
            if self._closed is not None:
                self._closed(self)


def _without(parts: list[Part], sent: int) -> list[Part]:
    """What is left of the parts after so many bytes have been sent."""
    for index, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[index + 1 :]]
        sent -= len(part)
    return []
