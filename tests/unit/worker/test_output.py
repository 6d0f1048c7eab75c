"""The log of unconfirmed output: every byte has its number, and none is kept longer than needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from remit.worker.output import Budget, Log


def log(limit: int = 1 << 20, drops: bool = False) -> tuple[Log, Budget]:
    budget = Budget(limit, drops)
    return Log(budget), budget


def read_all(stream: Log, offset: int, size: int = 1 << 20) -> tuple[int, bytes]:
    first, data = stream.read(offset, size)
    whole = bytearray(data)
    while data:
        position, data = stream.read(first + len(whole), size)
        assert position == first + len(whole)
        whole += data
    return first, bytes(whole)


STEPS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=30),
        st.integers(4000, 9000).map(bytes),
        st.floats(0, 1),
    ),
    max_size=40,
)


@given(STEPS, st.integers(1, 5000))
def test_reading_from_anywhere_gives_what_was_written(
    steps: list[bytes | float], size: int
) -> None:
    stream, budget = log()
    whole, confirmed = b"", 0
    for step in steps:
        if isinstance(step, bytes):
            stream.append(step)
            whole += step
        else:  # confirm some part of it
            confirmed = max(confirmed, int(step * len(whole)))
            stream.acknowledge(confirmed)
        assert stream.start == confirmed
        assert stream.end == len(whole)
        assert len(whole) - confirmed <= budget.used <= len(whole)
    for offset in {confirmed, (confirmed + len(whole)) // 2, len(whole)}:
        assert read_all(stream, offset, size) == (offset, whole[offset:])
    stream.acknowledge(len(whole))
    assert budget.used == 0


def test_a_chunk_is_passed_on_without_a_copy() -> None:
    stream, _ = log()
    chunk = bytes(100_000)
    stream.append(chunk)
    assert stream.read(0, 1 << 18)[1] is chunk


def test_single_bytes_do_not_bloat() -> None:
    stream, _ = log()
    for _ in range(10_000):
        stream.append(b"x")
    offset = count = 0
    while data := stream.read(offset, 1 << 20)[1]:
        offset += len(data)
        count += 1
    assert (offset, count) == (10_000, 3)


def test_a_full_budget_is_the_session_s() -> None:
    one, budget = log(limit=10_000)
    other = Log(budget)
    one.append(bytes(6000))
    full = [budget.is_full]
    other.append(bytes(6000))
    full.append(budget.is_full)
    one.acknowledge(6000)
    full.append(budget.is_full)
    assert full == [False, True, False]


def test_dropping_keeps_the_newest_and_counts() -> None:
    stream, budget = log(limit=20_000, drops=True)
    for number in range(10):
        stream.append(bytes([number]) * 5000)
    assert not budget.is_full
    assert (stream.start, stream.end, stream.dropped) == (30_000, 50_000, 30_000)
    first, data = read_all(stream, 0)
    assert (first, data[:1], len(data)) == (30_000, b"\x06", 20_000)


def test_a_confirmation_never_goes_back() -> None:
    stream, _ = log()
    stream.append(bytes(10_000))
    stream.acknowledge(8000)
    stream.acknowledge(1000)
    assert stream.start == 8000
    stream.acknowledge(1 << 40)
    assert (stream.acknowledged, stream.start) == (10_000, 10_000)
