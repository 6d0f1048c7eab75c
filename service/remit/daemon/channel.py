"""Messages over a unix socket in an event loop, with descriptors beside them.

Owns its socket. Knows no message's meaning; whose turn it is, is the caller's affair.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque

from remit.system import descriptors
from remit.wire.frame import MAX_STRANGER, Frame, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem

PIECE = 64 * 1024
CONNECT_SECONDS = 10


class Closed(Exception):
    """The peer has closed its end."""


class Channel:
    """One connected, non-blocking unix socket that carries control messages only."""

    def __init__(self, connection: socket.socket, max_control: int = MAX_STRANGER) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._reader = FrameReader(max_control, data=False)
        self._frames: deque[Frame] = deque()
        self._descriptors: list[int] = []
        self._sending = asyncio.Lock()
        self.peer = descriptors.peer_of(connection)

    @classmethod
    async def connect(cls, path: str, max_control: int = MAX_STRANGER) -> Channel:
        """OSError if nobody listens there."""
        return cls(await connect(path), max_control)

    def close(self) -> None:
        descriptors.close_all(self._descriptors)
        self._descriptors = []
        self._connection.close()

    def allow_larger(self, max_control: int) -> None:
        self._reader.max_control = max_control

    async def receive(self, most_descriptors: int = 0) -> Message:
        """The next message. Closed at the end of the stream, ProtocolProblem for anything else.

        Descriptors that come with it wait for `take_descriptor`.
        """
        while not self._frames:
            data = await self._receive_some(most_descriptors)
            if not data:
                if self._reader.is_between_frames():
                    raise Closed
                raise ProtocolProblem("the connection ended inside a frame")
            self._frames.extend(self._reader.feed(data))
        return parse_message(self._frames.popleft())

    def take_descriptor(self) -> int:
        """The one descriptor that came along; ProtocolProblem if there is none."""
        if len(self._descriptors) != 1:
            raise ProtocolProblem("no descriptor came with the message")
        return self._descriptors.pop()

    async def send(self, message: Message, *passed: int) -> None:
        """Send a message, and descriptors with its first byte. OSError if the peer is gone."""
        async with self._sending:
            await send(self._connection, message.encode(), *passed)

    async def wait_closed(self) -> None:
        """Return when the peer has closed or says anything out of turn."""
        await _ready(self._connection, writing=False)

    async def _receive_some(self, most: int) -> bytes:
        while True:
            try:
                data, found = descriptors.receive(self._connection, PIECE, most)
            except BlockingIOError:
                await _ready(self._connection, writing=False)
            except ConnectionError:
                return b""
            except ValueError as error:
                raise ProtocolProblem(str(error)) from None
            else:
                self._descriptors += found
                if len(self._descriptors) > most:
                    raise ProtocolProblem("more descriptors than expected")
                return data


async def connect(path: str) -> socket.socket:
    """A connected, non-blocking unix socket. OSError if nobody listens or answers there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


async def send(connection: socket.socket, data: bytes, *passed: int) -> None:
    """Send all of the data, the descriptors with its first byte. OSError if the peer is gone."""
    while data:
        try:
            sent = descriptors.send(connection, data, passed)
        except BlockingIOError:
            await _ready(connection, writing=True)
        else:
            data, passed = data[sent:], ()


def _fulfil(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _ready(connection: socket.socket, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(connection, _fulfil, ready)
    try:
        await ready
    finally:
        remove(connection)
