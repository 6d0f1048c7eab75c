"""What a command has written and its client has not yet confirmed, byte by byte numbered.

Owns the unacknowledged output of a session and its bound. Does no I/O.
"""

from __future__ import annotations

from bisect import bisect_right

_SMALL = 4096  # chunks below this many bytes are joined, or a session of single bytes would bloat


class Budget:
    """How much unacknowledged output a session keeps over all its channels, in bytes."""

    __slots__ = ("drops", "limit", "most", "used")

    def __init__(self, limit: int, drops: bool) -> None:
        """`drops`: what is too much makes the oldest go, and `is_full` is never true."""
        self.limit = limit
        self.drops = drops
        self.most = 0
        self.used = 0

    def take(self, count: int) -> None:
        """`most` is the highest that `used` has been."""
        self.used += count
        self.most = max(self.most, self.used)

    @property
    def is_full(self) -> bool:
        return not self.drops and self.used >= self.limit


class Log:
    """One stream of one channel: `start` to `end` are kept; below `start` all is confirmed or lost.

    Chunks are kept as they were read and are never copied, but for small ones.
    """

    __slots__ = ("_budget", "_chunks", "_starts", "acknowledged", "dropped", "end")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._starts: list[int] = []
        self._chunks: list[bytes] = []
        self.acknowledged = 0
        self.dropped = 0
        self.end = 0

    @property
    def start(self) -> int:
        """The first byte that can be had: where a new client continues."""
        return max(self.acknowledged, self._starts[0] if self._starts else self.end)

    def append(self, data: bytes) -> None:
        if self._chunks and len(self._chunks[-1]) + len(data) <= _SMALL:
            self._chunks[-1] += data
        else:
            self._starts.append(self.end)
            self._chunks.append(data)
        self.end += len(data)
        self._budget.take(len(data))
        while self._budget.drops and self._budget.used > self._budget.limit and self._starts:
            self.dropped += len(self._chunks[0]) - max(0, self.acknowledged - self._starts[0])
            self._discard(1)

    def read(self, offset: int, size: int) -> tuple[int, bytes | memoryview]:
        """Up to `size` bytes from `offset` on, and where they begin: later if some were dropped."""
        offset = max(offset, self.start)
        if offset >= self.end:
            return offset, b""
        index = bisect_right(self._starts, offset) - 1
        chunk, skip = self._chunks[index], offset - self._starts[index]
        if skip == 0 and len(chunk) <= size:
            return offset, chunk
        return offset, memoryview(chunk)[skip : skip + size]

    def acknowledge(self, offset: int) -> None:
        """All before `offset` is in safe hands; a chunk goes when it is confirmed as a whole."""
        self.acknowledged = max(self.acknowledged, min(offset, self.end))
        count = bisect_right(self._starts, self.acknowledged)
        if count and self._starts[count - 1] + len(self._chunks[count - 1]) > self.acknowledged:
            count -= 1
        self._discard(count)

    def discard_all(self) -> None:
        self._discard(len(self._chunks))

    def _discard(self, count: int) -> None:
        self._budget.used -= sum(map(len, self._chunks[:count]))
        del self._chunks[:count], self._starts[:count]
