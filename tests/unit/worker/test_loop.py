"""The event loop: order, timers, and what becomes of a callback that raises."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from remit.worker.loop import READ, Loop

NAP = 0.02


class Bench:
    """A loop that notes what it is told, and stops when nothing happens for long."""

    def __init__(self) -> None:
        self.defects: list[Exception] = []
        self.loop = Loop(self.defects.append)
        self.loop.call_after(10, lambda: self.loop.stop(99))
        self.noted: list[str] = []

    def note(self, word: str) -> None:
        self.noted.append(word)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_timers_come_in_order_and_can_be_cancelled(bench: Bench) -> None:
    bench.loop.call_after(2 * NAP, lambda: bench.loop.stop(7))
    bench.loop.call_after(NAP, lambda: bench.note("first"))
    bench.loop.cancel(bench.loop.call_after(NAP, lambda: bench.note("never")))
    assert bench.loop.run() == 7
    assert bench.noted == ["first"]


def test_a_defect_costs_its_descriptor_and_nothing_else(
    bench: Bench, pipe: tuple[int, int]
) -> None:
    def fail() -> None:
        raise KeyError("defect")

    os.write(pipe[1], b"x")
    bench.loop.watch(pipe[0], READ, fail, lambda: bench.note("broken"))
    bench.loop.call_after(NAP, lambda: bench.loop.stop(0))
    assert bench.loop.run() == 0
    assert bench.noted == ["broken"]
    assert [str(error) for error in bench.defects] == ["'defect'"]


def test_a_defect_in_a_timer(bench: Bench) -> None:
    bench.loop.call_after(0, lambda: bench.note(str(1 // 0)))
    bench.loop.call_after(NAP, lambda: bench.loop.stop(0))
    assert bench.loop.run() == 0
    assert isinstance(bench.defects[0], ZeroDivisionError)


def test_news_of_a_closed_descriptor_is_not_the_next_one_s(bench: Bench) -> None:
    """Two are ready at once; the first callback closes the second and opens its number anew."""
    ends = [os.pipe(), os.pipe()]
    for _, writing in ends:
        os.write(writing, b"x")
    readers = [reading for reading, _ in ends]

    def replace(mine: int, other: int) -> None:
        bench.loop.forget(mine)
        bench.loop.forget(other)
        os.close(other)
        quiet = os.pipe()
        assert other in quiet
        bench.loop.watch(other, READ, lambda: bench.note("stale"), lambda: None)
        bench.note("replaced")

    for mine, other in (readers, readers[::-1]):
        bench.loop.watch(mine, READ, lambda m=mine, o=other: replace(m, o), lambda: None)  # type: ignore[misc]
    bench.loop.call_after(NAP, lambda: bench.loop.stop(0))
    bench.loop.run()
    assert bench.noted == ["replaced"]
    os.closerange(min(readers), max(readers) + 6)


def test_a_signal_arrives_in_the_loop(bench: Bench) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    wakeup = signal.set_wakeup_fd(-1)
    try:
        bench.loop.catch_signal(signal.SIGUSR1, lambda: bench.loop.stop(3))
        os.kill(os.getpid(), signal.SIGUSR1)
        assert bench.loop.run() == 3
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGUSR1, before)
