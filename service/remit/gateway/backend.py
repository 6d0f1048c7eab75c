"""remitd's side of a conversation: control messages over a unix socket, descriptors beside them.

Owns the connection and every descriptor that comes over it until it is taken. What remitd gets
wrong is a defect of ours; what it leaves is Unavailable.
"""

from __future__ import annotations

import socket

from remit.gateway.readiness import writable
from remit.system import descriptors
from remit.wire.frame import MAX_CONTROL, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem, ProtocolProblem

PIECE = 64 * 1024


class Defect(Problem):
    """remitd broke the protocol: `detail` is for the journal, the message for the client."""

    def __init__(self, detail: str) -> None:
        super().__init__("internal", "a defect of the host's; its journal has the details")
        self.detail = detail


class Unavailable(Problem):
    """remitd is not there, or not any more."""

    def __init__(self) -> None:
        super().__init__(
            "unavailable", "this host's session service is not available; try again in a moment"
        )


class Backend:
    """A connection of its own to remitd for one client."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader(MAX_CONTROL, data=False)
        self._descriptors: list[int] = []

    @classmethod
    async def connect(cls, path: str, accepted: int) -> Backend:
        """Connect and hand over the client's accepted socket, so that remitd sees for itself who
        that is. Unavailable if remitd is not there."""
        backend = cls(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC))
        try:
            backend._connection.setblocking(False)
            backend._connection.connect(path)
            await backend._send(Message("connection").encode(), (accepted,))
        except OSError as error:
            backend.close()
            raise Unavailable from error
        except BaseException:
            backend.close()
            raise
        return backend

    def fileno(self) -> int:
        return self._connection.fileno()

    def pull(self) -> None:
        """Receive what is there. Unavailable at the end, Defect for what nobody expects."""
        try:
            data, found = descriptors.receive(self._connection, PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            raise Unavailable from error
        except ValueError as error:
            raise Defect(str(error)) from error
        self._descriptors += found
        if not data:
            raise Unavailable
        self._reader.feed(data)

    def next_message(self) -> Message | None:
        """The next message if it is complete. Defect for anything else."""
        try:
            frame = self._reader.next_frame()
            message = parse_message(frame) if frame else None
        except ProtocolProblem as problem:
            raise Defect(problem.message) from problem
        if message and len(self._descriptors) != (message.type == "attached"):
            raise Defect(f"{message.type} with {len(self._descriptors)} descriptors")
        return message

    def take_session(self) -> socket.socket:
        """The session's connected socket, which came with `attached`. Defect if it is none."""
        try:
            session = socket.socket(fileno=self._descriptors[0])
        except OSError as error:
            raise Defect("attached with something that is no socket") from error
        self._descriptors.clear()
        if session.family != socket.AF_UNIX or session.type != socket.SOCK_STREAM:
            session.close()
            raise Defect("attached with a socket of another kind")
        session.setblocking(False)
        return session

    async def send(self, message: Message) -> None:
        """Unavailable if remitd has gone."""
        try:
            await self._send(message.encode())
        except OSError as error:
            raise Unavailable from error

    def close(self) -> None:
        descriptors.close_all(self._descriptors)
        self._descriptors = []
        self._connection.close()

    async def _send(self, data: bytes, passed: tuple[int, ...] = ()) -> None:
        while data:
            try:
                sent = descriptors.send(self._connection, data, passed)
            except BlockingIOError:
                await writable(self._connection)
            else:
                data, passed = data[sent:], ()
