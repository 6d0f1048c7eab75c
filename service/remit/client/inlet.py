"""Frames from a link, where the bodies of DATA are handed on as they arrive, without a copy.

Owns the receive buffer. wire.FrameReader keeps whole frames and copies them; at a gigabyte of
output that is felt, so only its checks are used here.
"""

from __future__ import annotations

from remit.client.link import Link
from remit.wire.frame import CONTROL, DATA, HEADER, MAX_CONTROL, Frame, FrameReader
from remit.wire.problem import ProtocolProblem

STEP = 256 * 1024  # received at once; more only falls out of the processor's cache
FIRST_STEP = 16 * 1024  # until that has once been too little: fresh memory is dear, too
LARGEST = STEP + HEADER.size + MAX_CONTROL
NOTHING = memoryview(b"")


class Piece:
    """Part of a DATA frame's body. `body` is good until the next `fill`."""

    __slots__ = ("body", "channel", "offset", "stream")

    def __init__(self, stream: int, channel: int, offset: int, body: memoryview) -> None:
        self.stream = stream
        self.channel = channel
        self.offset = offset
        self.body = body


class Inlet:
    """What comes in on one link. `data` says whether DATA and ACK may come now."""

    def __init__(self, link: Link, data: bool = False) -> None:
        self._link = link
        self._checks = FrameReader(MAX_CONTROL, data)
        self._step = FIRST_STEP
        self._space = memoryview(bytearray(FIRST_STEP))
        self._start = 0
        self._end = 0
        self._missing = 0  # bytes of the DATA body that we are in
        self._piece = Piece(0, 0, 0, NOTHING)

    @property
    def data(self) -> bool:
        return self._checks.data

    @data.setter
    def data(self, expected: bool) -> None:
        self._checks.data = expected

    def fill(self) -> int:
        """Receive what is there: bytes, 0 at the end of the stream, -1 for nothing now."""
        if self._start == self._end:
            self._start = self._end = 0
        if self._end + self._step > len(self._space):
            self._make_room()
        size = self._link.receive_into(self._space[self._end : self._end + self._step])
        if size == self._step:
            self._step = STEP
        self._end += max(size, 0)
        return size

    def take(self) -> Frame | Piece | None:
        """The next frame, or the next part of one with data. None: first `fill` again."""
        if self._missing:
            return self._take_piece()
        if self._end - self._start < HEADER.size:
            return None
        length, kind, stream, channel, offset = HEADER.unpack_from(self._space, self._start)
        self._checks.check_header(length, kind, stream, channel, offset)
        if kind == DATA:
            self._start += HEADER.size
            self._missing = length
            self._piece = Piece(stream, channel, offset, NOTHING)
            return self._take_piece() if length else self._piece
        end = self._start + HEADER.size + length
        if self._end < end:
            return None
        body = bytes(self._space[self._start + HEADER.size : end]) if kind == CONTROL else b""
        self._start = end
        return Frame(kind, stream, channel, offset, body)

    def is_between_frames(self) -> bool:
        return not self._missing and self._start == self._end

    def check_end(self) -> None:
        """Call at the end of the stream. ProtocolProblem in the middle of a frame."""
        if not self.is_between_frames():
            raise ProtocolProblem("the connection ended in the middle of a frame")

    def _make_room(self) -> None:
        """Move what is left to the front, of a larger space if it was the first one."""
        rest = bytes(self._space[self._start : self._end])
        if len(self._space) < LARGEST:
            self._space = memoryview(bytearray(LARGEST))
        self._space[: len(rest)] = rest
        self._start, self._end = 0, len(rest)

    def _take_piece(self) -> Piece | None:
        size = min(self._missing, self._end - self._start)
        if not size:
            return None
        piece = self._piece
        following = Piece(piece.stream, piece.channel, piece.offset + size, NOTHING)
        piece.body = self._space[self._start : self._start + size]
        self._start += size
        self._missing -= size
        self._piece = following
        return piece
