"""What a command reads: bytes, a file or a descriptor, sent as the session takes it.

Owns the position and the window. Does not wait for anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from remit.wire.frame import DATA, STDIN, Frame

WINDOW = 256 * 1024  # bytes sent that the session has not passed on yet
STEP = 64 * 1024


class Source:
    """An input by its `read`; `descriptor` is what to wait for before reading, -1 for nothing."""

    def __init__(self, read: Callable[[int], bytes], descriptor: int = -1) -> None:
        self._read = read
        self.descriptor = descriptor
        self._sent = 0
        self._acknowledged = 0
        self.ended = False

    @classmethod
    def from_bytes(cls, content: bytes) -> Source:
        rest = memoryview(content)

        def read(size: int) -> bytes:
            nonlocal rest
            part, rest = bytes(rest[:size]), rest[size:]
            return part

        return cls(read)

    @classmethod
    def from_descriptor(cls, descriptor: int) -> Source:
        return cls(lambda size: os.read(descriptor, size), descriptor)

    def is_wanted(self) -> bool:
        """Whether to read now: there is more, and the session has room for it."""
        return not self.ended and self._sent - self._acknowledged < WINDOW

    def next_frame(self, channel: int) -> bytes:
        """Read once and make the frame; the empty one says that this was all."""
        room = WINDOW - (self._sent - self._acknowledged)
        try:
            body = self._read(min(room, STEP))
        except BlockingIOError:  # somebody else made it non-blocking, and it is not ready after all
            return b""
        except OSError:  # a terminal that hung up, a directory: an input without anything in it
            body = b""
        frame = Frame(DATA, STDIN, channel, self._sent, body)
        self._sent += len(body)
        self.ended = not body
        return frame.encode()

    def acknowledge(self, offset: int) -> None:
        """The session has disposed of everything before `offset`. More than was sent says that
        it wants nothing: the role admits no input, or the command has closed it."""
        if offset > self._sent:
            self.ended = True
        else:
            self._acknowledged = max(self._acknowledged, offset)
