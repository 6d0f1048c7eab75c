"""The worker's event loop: descriptors, timers and one signal, in one thread.

Owns epoll and the order of things. A callback that raises is reported, loses its descriptor and
does not end the session. asyncio would take as much memory as all the rest.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT, EPOLLPRI, epoll

READ = EPOLLIN
WRITE = EPOLLOUT
URGENT = EPOLLPRI

_BATCH = 64


class Timer:
    """A call that is due at a time of CLOCK_MONOTONIC, which stands still during a suspend."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call


class Watch:
    """What is called when a descriptor is ready, and what when that call has raised."""

    __slots__ = ("broken", "call", "events")

    def __init__(self, events: int, call: Callable[[], None], broken: Callable[[], None]) -> None:
        self.events = events
        self.call = call
        self.broken = broken


class Loop:
    """Runs until `stop`. `report` is told of every exception that a callback lets through."""

    def __init__(self, report: Callable[[Exception], None]) -> None:
        self._report = report
        self._epoll = epoll()
        self._watches: dict[int, Watch] = {}
        self._fresh: set[int] = set()
        self._timers: set[Timer] = set()
        self._status: int | None = None

    @staticmethod
    def now() -> float:
        return time.monotonic()

    def watch(
        self, descriptor: int, events: int, call: Callable[[], None], broken: Callable[[], None]
    ) -> None:
        """Call `call` whenever one of `events` (or the descriptor's end) is there."""
        known = self._watches.get(descriptor)
        if known is None:
            self._epoll.register(descriptor, events)
            self._fresh.add(descriptor)
        elif known.events != events:
            self._epoll.modify(descriptor, events)
        self._watches[descriptor] = Watch(events, call, broken)

    def forget(self, descriptor: int) -> None:
        """Before the descriptor is closed; nothing if it is not watched."""
        if self._watches.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def call_after(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self.now() + seconds, call)
        self._timers.add(timer)
        return timer

    def cancel(self, timer: Timer | None) -> None:
        self._timers.discard(timer) if timer else None

    def catch_signal(self, number: int, call: Callable[[], None]) -> None:
        """Call `call` from the loop, not from the handler. For one signal only."""
        noticed, note = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

        def answer() -> None:
            os.read(noticed, 4096)
            call()

        signal.set_wakeup_fd(note, warn_on_full_buffer=False)
        signal.signal(number, lambda *_: None)
        self.watch(noticed, READ, answer, lambda: None)

    def stop(self, status: int) -> None:
        """Leave `run` after what is being called."""
        self._status = status

    def run(self) -> int:
        """The status given to `stop`."""
        while self._status is None:
            self._fresh.clear()
            for descriptor, _ in self._epoll.poll(self._patience(), _BATCH):
                # One that was closed and opened again within this batch has news of its own only.
                if descriptor not in self._fresh:
                    self._dispatch(descriptor)
            self._call_due()
        return self._status

    def _patience(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, min(timer.when for timer in self._timers) - self.now())

    def _dispatch(self, descriptor: int) -> None:
        watch = self._watches.get(descriptor)
        if watch is None:
            return
        if not self._try(watch.call):
            if self._watches.get(descriptor) is watch:
                self.forget(descriptor)
            self._try(watch.broken)

    def _call_due(self) -> None:
        now = self.now()
        for timer in [timer for timer in self._timers if timer.when <= now]:
            if timer in self._timers:
                self._timers.remove(timer)
                self._try(timer.call)

    def _try(self, call: Callable[[], None]) -> bool:
        try:
            call()
        except Exception as error:  # noqa: BLE001  a defect in one command must not end the session
            self._report(error)
            return False
        return True
