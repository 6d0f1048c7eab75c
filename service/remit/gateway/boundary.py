"""Where frames end in a stream that is passed on unread.

Owns the position in it, nothing else: no contents, no checks but the bound on a frame's length.
"""

from __future__ import annotations

from remit.wire.frame import HEADER, MAX_CONTROL
from remit.wire.problem import ProtocolProblem

LARGEST = HEADER.size + MAX_CONTROL  # bytes of any frame between a client and a session


class Boundary:
    """The position in a stream whose pieces are shown to it one after the other."""

    def __init__(self) -> None:
        self._header = bytearray()  # of a frame whose header is not complete yet
        self._left = 0  # bytes that are missing of the frame's body

    def is_between_frames(self) -> bool:
        return not self._left and not self._header

    def advance(self, data: memoryview | bytes) -> None:
        """Go past `data`."""
        position = 0
        while position < len(data):
            position += self._step(data, position)

    def finish(self, data: memoryview | bytes) -> int:
        """Go to the end of the frame that we are in, if it is in `data`; the bytes gone past."""
        position = 0
        while position < len(data) and not self.is_between_frames():
            position += self._step(data, position)
        return position

    def _step(self, data: memoryview | bytes, position: int) -> int:
        """Go to the end of a header or of a body, or of the data if that comes first."""
        if self._left:
            size = min(self._left, len(data) - position)
            self._left -= size
            return size
        part = data[position : position + HEADER.size - len(self._header)]
        self._header += part
        if len(self._header) == HEADER.size:
            self._left = HEADER.unpack(self._header)[0]
            self._header.clear()
        return len(part)


def whole_frames(data: memoryview, end: int) -> int:
    """How many of the first `end` bytes are whole frames. ProtocolProblem for a frame too large."""
    position = 0
    while end - position >= HEADER.size:
        following = position + HEADER.size + HEADER.unpack_from(data, position)[0]
        if following - position > LARGEST:
            raise ProtocolProblem("the session sent a frame that is too large")
        if following > end:
            break
        position = following
    return position
