"""Where connections come in: only remitd can open one, and its first frame says what it is for.

Owns the listening socket and the connections that have not said anything yet.
"""

from __future__ import annotations

from _socket import socket

from remit.wire.frame import MAX_CONTROL, MAX_POLICY, Frame, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem
from remit.worker.connection import Connection, Owner
from remit.worker.loop import READ, Loop

_FIRST_WORD = 10.0  # seconds for the first frame


class Receptionist:
    """Who deals with those whose purpose is known."""

    def introduce(self, connection: Connection, first: Message) -> None:
        """Give the connection its owner. ProtocolProblem if that purpose is wrong now."""
        raise NotImplementedError


class _Stranger(Owner):
    """The owner of a connection until its first frame."""

    def __init__(self, loop: Loop, accepted: socket, receptionist: Receptionist) -> None:
        self._receptionist = receptionist
        self._loop = loop
        self._connection = Connection(loop, accepted, FrameReader(max_control=MAX_POLICY), self)
        self._timer = loop.call_after(_FIRST_WORD, self._connection.finish)

    def receive(self, frame: Frame) -> None:
        self._loop.cancel(self._timer)
        self._connection.reader.max_control = MAX_CONTROL
        self._receptionist.introduce(self._connection, parse_message(frame))

    def lose(self, problem: ProtocolProblem | None) -> None:
        self._loop.cancel(self._timer)


class Door:
    """Accepts connections, and waits for their first frame."""

    def __init__(self, loop: Loop, descriptor: int, receptionist: Receptionist) -> None:
        """`descriptor`: the listening socket."""
        self._receptionist = receptionist
        self._loop = loop
        self._socket = socket(fileno=descriptor)
        self._socket.setblocking(False)
        loop.watch(descriptor, READ, self._accept, lambda: None)

    def _accept(self) -> None:
        try:
            descriptor, _ = self._socket._accept()  # type: ignore[attr-defined]  # socket.accept's
        except BlockingIOError:
            return
        _Stranger(self._loop, socket(fileno=descriptor), self._receptionist)
