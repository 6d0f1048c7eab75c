"""The listening sockets: who is let in, and a task for each that is.

Owns the sockets and the tasks, and ends both.
"""

from __future__ import annotations

import asyncio
import errno
import socket

from remit.gateway.log import ERROR
from remit.gateway.visitor import House, Visitor

_AT_ONCE = 64  # accepts before others have their turn
_PAUSE = 1.0  # seconds without accepting when the system has no room for another connection
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Listener:
    """Accepts until it is closed."""

    def __init__(self, house: House, sockets: list[socket.socket]) -> None:
        self._house = house
        self._sockets = sockets
        self._tasks: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.TimerHandle] = set()

    def start(self) -> None:
        for each in self._sockets:
            each.setblocking(False)
            self._listen(each)

    async def close(self) -> None:
        """Accept no more and end what is going on; clients see their connections close."""
        loop = asyncio.get_running_loop()
        for pause in self._pauses:
            pause.cancel()
        for each in self._sockets:
            loop.remove_reader(each)
            each.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _listen(self, listening: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(listening, error)
                    return
                continue  # that client has gone again (accept(2), error handling)
            self._admit(accepted, address[0], address[1])

    def _admit(self, accepted: socket.socket, address: str, port: int) -> None:
        visitor = Visitor(self._house, accepted, address, port)
        if not visitor.enter():
            return
        task = asyncio.create_task(visitor.serve())
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._house.log.defect(error)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        self._house.log.about("the gate", f"cannot accept: {error.strerror}", ERROR)
        self._pauses.add(loop.call_later(_PAUSE, self._listen, listening))
