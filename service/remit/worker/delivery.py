"""What one client has been sent of one request, and what comes next.

Owns the order: `started`, then output as it comes, `exited` when all of that is sent. A new client
begins where the last confirmed byte was, so that nothing is missing and nothing comes twice.
"""

from __future__ import annotations

from remit.wire.frame import DATA, HEADER, MAX_DATA, STDERR, STDIN, STDOUT, encode_ack
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem
from remit.worker.connection import Part
from remit.worker.request import Request


class Delivery:
    """One request on its way to one client."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._announced = False
        self._disposed = 0
        self._sent = {stream: log.start for stream, log in request.logs.items()}
        self._told = False

    @property
    def is_done(self) -> bool:
        return self._told and self.request.settled

    @property
    def is_failure(self) -> bool:
        """Whether there is nothing but a refusal, which has not been sent yet."""
        return self.request.failed is not None and not self._told

    def repeat(self) -> None:
        """The client asks for the same request again: all but the output is said again."""
        self._announced = False
        self._told = False

    def take(self, room: int) -> list[Part]:
        """Frames that can be sent now, about `room` bytes of them."""
        request = self.request
        if request.failed is not None:
            return self._tell(request.failed)
        if not request.started:
            return []
        parts = self._start()
        for stream in (STDERR, STDOUT):
            parts += self._take_stream(stream, room)
        ended = request.exited
        if ended is not None and all(self._sent[s] >= log.end for s, log in request.logs.items()):
            parts += self._tell(ended)
        return parts

    def acknowledge(self, stream: int, offset: int) -> None:
        """The client has so many bytes. If it has all and knows the end, nothing is owed."""
        if offset > self._sent.get(stream, -1):
            raise ProtocolProblem(f"stream {stream} acknowledged to {offset}, beyond what was sent")
        self.request.logs[stream].acknowledge(offset)
        if self._told:
            self.request.settle_if_confirmed()

    def conclude(self) -> None:
        """The client goes on to something new, so it knows the end if it was told."""
        if self._told:
            self.request.settle_if_confirmed()

    def _start(self) -> list[Part]:
        parts: list[Part] = []
        request = self.request
        if not self._announced:
            self._announced = True
            parts.append(Message("started", id=request.id, channel=request.channel).encode())
        if request.input is not None and request.input.disposed != self._disposed:
            self._disposed = request.input.disposed
            parts.append(encode_ack(STDIN, request.channel, self._disposed))
        return parts

    def _take_stream(self, stream: int, room: int) -> list[Part]:
        parts: list[Part] = []
        log = self.request.logs[stream]
        while room > 0:
            offset, data = log.read(self._sent[stream], MAX_DATA)
            if not data:
                break
            parts.append(HEADER.pack(len(data), DATA, stream, self.request.channel, offset))
            parts.append(data)
            self._sent[stream] = offset + len(data)
            room -= len(data)
        return parts

    def _tell(self, message: Message) -> list[Part]:
        if self._told:
            return []
        self._told = True
        return [message.encode()]
