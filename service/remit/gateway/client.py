"""A client's side of a conversation: control messages over TLS, read one at a time.

Owns the TLS connection and what has been received but not been looked at. A client may send ahead:
what comes while it is the host's turn waits here, bounded and unread, so that it can still be a
session's. Does not know whose turn it is.
"""

from __future__ import annotations

import asyncio

from remit.gateway.boundary import Boundary
from remit.gateway.readiness import readable, writable
from remit.system.tls import RECORD, TlsConnection, WantsWrite, describe
from remit.wire.frame import CONTROL, MAX_CONTROL, MAX_STRANGER, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.turn import SESSION_REQUESTS

AHEAD = 64 * 1024  # bytes that wait unread at most, and one record
LINGER = 1.0  # seconds for a client to hear why it is being closed
_MOST_LEFT = 1024 * 1024  # bytes that are thrown away in that time

# What can only be a session's; `commands` may be either's and is taken for the host's.
_STRAY = SESSION_REQUESTS - {"commands"}
_SCRATCH = memoryview(bytearray(RECORD))  # one for all: emptied before anybody else runs


class ClientGone(Exception):
    """The client ended the connection, or it broke; the text says how if that is worth a line."""


class Client:
    """`ended` is set when the client will send no more."""

    def __init__(self, connection: TlsConnection) -> None:
        self.connection = connection
        self.ended = False
        self._reader = FrameReader(MAX_STRANGER, data=False)
        self._ahead = bytearray()
        self._boundary: Boundary | None = None

    def fileno(self) -> int:
        return self.connection.fileno()

    async def handshake(self) -> None:
        """OSError if it fails; takes as long as the client does."""
        while True:
            try:
                return self.connection.handshake()
            except WantsWrite:
                await writable(self.connection)
            except BlockingIOError:
                await readable(self.connection)

    def trust(self) -> None:
        """Allow larger messages: the client has authenticated."""
        self._reader.max_control = MAX_CONTROL

    def has_room(self) -> bool:
        """Whether it makes sense to read on."""
        return not self.ended and len(self._ahead) < AHEAD

    def pull(self) -> None:
        """Receive what is there, as far as there is room."""
        while self.has_room():
            try:
                size = self.connection.receive_into(_SCRATCH)
            except BlockingIOError:
                return
            except OSError as error:
                raise ClientGone(describe(error)) from error
            self.ended = not size
            self._ahead += _SCRATCH[:size]

    def next_message(self) -> Message | None:
        """The next message if it is complete. ProtocolProblem for anything else."""
        self._reader.feed(self._skip_torn())
        while (frame := self._reader.next_frame()) is not None:
            if frame.kind == CONTROL:
                message = parse_message(frame)
                if not self._reader.data or message.type not in _STRAY:
                    self._reader.data = False
                    return message
        return None

    def take_rest(self) -> bytes:
        """Everything received and not read yet; it is the session's from now on."""
        rest = self._reader.take_rest() + bytes(self._ahead)
        self._ahead.clear()
        return rest

    def resume(self, boundary: Boundary) -> None:
        """Read control messages again after a session's stream, which stopped at `boundary`.

        A client that had not heard yet that the session was gone may still have been talking to
        it: such frames are dropped until it says the first thing that can only be for the host.
        """
        self._boundary = boundary
        self._reader.data = True

    async def send(self, data: bytes) -> None:
        """All of it, however slowly the client takes it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.connection.send(rest) :]
            except BlockingIOError:
                await writable(self.connection)
            except OSError as error:
                raise ClientGone(describe(error)) from error

    async def send_last(self, data: bytes) -> None:
        """Send what ends the conversation, and wait a moment for the client to take it: to close
        with something unread would throw the message away."""
        try:
            async with asyncio.timeout(LINGER):
                await self.send(data)
                self.connection.finish()
                await self._drain()
        except (ClientGone, OSError):  # a TimeoutError is one
            pass

    async def _drain(self) -> None:
        left = _MOST_LEFT
        while left > 0:
            await readable(self.connection)
            size = self.connection.discard(RECORD)
            left -= size or left

    def _skip_torn(self) -> bytes:
        """What waits, without the rest of a frame whose beginning the session got."""
        data = bytes(self._ahead)
        self._ahead.clear()
        if self._boundary is not None:
            data = data[self._boundary.finish(data) :]
            if self._boundary.is_between_frames():
                self._boundary = None
        return data
