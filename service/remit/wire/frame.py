"""Frames: the one unit of everything that is sent, 16 bytes of header and a bounded body.

Owns the layout and its bounds. Does not know what a control frame means (message.py) nor whether
it may come now (turn.py). No I/O: bytes in, frames out.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator

from remit.wire.problem import ProtocolProblem

HEADER = struct.Struct("!IBBHQ")  # body length, kind, stream, channel, offset

CONTROL = 1
DATA = 2
ACK = 3

STDIN = 0
STDOUT = 1
STDERR = 2

MAX_DATA = 256 * 1024  # bytes in one DATA frame
MAX_CONTROL = 512 * 1024  # bytes in one CONTROL frame between authenticated peers
MAX_STRANGER = 8 * 1024  # bytes in one CONTROL frame before authentication
MAX_POLICY = 4 * 1024 * 1024  # bytes in the frame by which remitd gives a worker its policy


class Frame:
    """One frame. `offset` is the position of the body's first byte in its stream (DATA), or the
    number of bytes that the sender has disposed of (ACK)."""

    __slots__ = ("body", "channel", "kind", "offset", "stream")

    def __init__(
        self, kind: int, stream: int = 0, channel: int = 0, offset: int = 0, body: bytes = b""
    ) -> None:
        self.kind = kind
        self.stream = stream
        self.channel = channel
        self.offset = offset
        self.body = body

    def header(self) -> bytes:
        return HEADER.pack(len(self.body), self.kind, self.stream, self.channel, self.offset)

    def encode(self) -> bytes:
        return self.header() + self.body


def encode_ack(stream: int, channel: int, offset: int) -> bytes:
    """The frame that says: all bytes of this stream before `offset` have been written out."""
    return HEADER.pack(0, ACK, stream, channel, offset)


class FrameReader:
    """Cuts a byte stream into frames; memory stays below one frame and one `feed`.

    `max_control` may be raised while reading, when the peer has authenticated. With `data=False`
    every kind but CONTROL is a protocol problem.
    """

    def __init__(self, max_control: int = MAX_CONTROL, data: bool = True) -> None:
        self.max_control = max_control
        self.data = data
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Yield the frames that are complete now. ProtocolProblem ends the stream for good."""
        self._buffer += data
        return self._frames()

    def next_frame(self) -> Frame | None:
        """The first frame that is complete; what follows stays, to be read by later limits."""
        frames = self._frames()
        try:
            return next(frames, None)
        finally:
            frames.close()

    def take_rest(self) -> bytes:
        """What has been fed and not yielded yet; the reader is empty afterwards."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def is_between_frames(self) -> bool:
        return not self._buffer

    def _frames(self) -> Generator[Frame, None, None]:
        start = 0
        try:
            while len(self._buffer) - start >= HEADER.size:
                length, kind, stream, channel, offset = HEADER.unpack_from(self._buffer, start)
                self.check_header(length, kind, stream, channel, offset)
                end = start + HEADER.size + length
                if len(self._buffer) < end:
                    break
                with memoryview(self._buffer) as view:
                    body = bytes(view[start + HEADER.size : end])
                start = end
                yield Frame(kind, stream, channel, offset, body)
        finally:
            del self._buffer[:start]

    def check_header(self, length: int, kind: int, stream: int, channel: int, offset: int) -> None:
        """ProtocolProblem if no frame with that header may come here and now."""
        if kind == CONTROL:
            if length > self.max_control:
                raise ProtocolProblem(
                    f"a control frame of {length} bytes; at most {self.max_control} here"
                )
            if stream or channel or offset:
                raise ProtocolProblem("a control frame with a stream, channel or offset")
        elif kind not in (DATA, ACK) or not self.data:
            raise ProtocolProblem(f"a frame of kind {kind} where it is not expected")
        elif stream > STDERR:
            raise ProtocolProblem(f"stream {stream}; expected 0, 1 or 2")
        elif length > (MAX_DATA if kind == DATA else 0):
            raise ProtocolProblem(f"a frame of kind {kind} with {length} bytes")
