"""The relay between a client's TLS connection and a session's socket: bytes, frames untouched.

Owns the buffers; the two connections are lent to it. Towards the client only whole frames go,
so that a session that dies in the middle of one leaves the stream usable; towards the session
whatever comes, and the place where it stopped is known. Each side is read only while the other
takes what it gets.
"""

from __future__ import annotations

import asyncio
import mmap
import socket

from remit.gateway.boundary import LARGEST, Boundary, whole_frames
from remit.gateway.client import ClientGone
from remit.gateway.readiness import readable, writable
from remit.system.tls import RECORD, TlsConnection, WantsWrite, describe

CHUNK = 256 * 1024  # bytes taken at once from a session: 16 TLS records
INPUT = 64 * 1024  # bytes taken at once from a client

_SPARE = 4  # buffers that are kept for whoever is busy next


class Buffers:
    """Space for those relays that have something in hand just now; an idle one has none."""

    def __init__(self) -> None:
        self._spare: list[memoryview] = []

    def take(self) -> memoryview:
        """LARGEST bytes, of which only those that are used take memory."""
        if self._spare:
            return self._spare.pop()
        return memoryview(mmap.mmap(-1, LARGEST, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))

    def give_back(self, buffer: memoryview) -> None:
        if len(self._spare) < _SPARE:
            self._spare.append(buffer)


class Relay:
    """One attachment, from `attached` to the end of either side."""

    def __init__(self, client: TlsConnection, session: socket.socket, buffers: Buffers) -> None:
        self._client = client
        self._session = session
        self._buffers = buffers
        self._boundary = Boundary()
        self._sending = asyncio.Lock()  # one at a time may wait for the client to be writable

    async def run(self, ahead: bytes) -> Boundary:
        """Until the session ends, and everything it said has been given to the client; then where
        in the client's stream it stopped. `ahead` is what the client has already sent.

        ClientGone if that comes first; ProtocolProblem if the session does not send frames.
        """
        both = asyncio.create_task(self._receive(ahead)), asyncio.create_task(self._deliver())
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except OSError as error:
            raise ClientGone(describe(error)) from error
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        return self._boundary

    async def _deliver(self) -> None:
        """From the session to the client, until the session's end. OSError: the client's end."""
        buffer = None
        held = 0  # bytes of a frame that is not complete yet
        while True:
            await readable(self._session)
            buffer = buffer or self._buffers.take()
            size = self._take_output(buffer[held : held + CHUNK])
            if not size:
                return
            held += size
            whole = whole_frames(buffer, held)
            await self._give_output(buffer[:whole])
            held -= whole
            if held:
                buffer[:held] = buffer[whole : whole + held]
            else:
                self._buffers.give_back(buffer)
                buffer = None

    async def _receive(self, ahead: bytes) -> None:
        """From the client to the session, until the client's end: ClientGone or OSError."""
        self._boundary.advance(ahead)
        await self._give_input(memoryview(ahead))
        while True:
            await readable(self._client)
            buffer = self._buffers.take()
            size, ended = await self._take_input(buffer[:INPUT])
            self._boundary.advance(buffer[:size])
            await self._give_input(buffer[:size])
            self._buffers.give_back(buffer)
            if ended:
                raise ClientGone

    def _take_output(self, space: memoryview) -> int:
        try:
            return self._session.recv_into(space)
        except ConnectionError:
            return 0  # it ended with something of the client's unread

    async def _give_output(self, data: memoryview) -> None:
        async with self._sending:
            while data:
                try:
                    data = data[self._client.send(data) :]
                except BlockingIOError:
                    await writable(self._client)

    async def _take_input(self, space: memoryview) -> tuple[int, bool]:
        """Fill the space with what is there; the number of bytes, and whether that was the end."""
        filled = 0
        while len(space) - filled >= RECORD:
            try:
                size = self._client.receive_into(space[filled:])
            except WantsWrite:  # new keys were asked for, and the answer must go out first
                async with self._sending:
                    await writable(self._client)
            except BlockingIOError:
                break
            else:
                filled += size
                if not size:
                    return filled, True
        return filled, False

    async def _give_input(self, data: memoryview) -> None:
        while data:
            try:
                data = data[self._session.send(data) :]
            except BlockingIOError:
                await writable(self._session)
            except ConnectionError:
                return  # it has ended: what it said last is still to be delivered
