"""Drives one execution over its link until it is over: waits, receives, sends, keeps the beat.

Owns the waiting, and nothing that lasts.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from remit.client.execution import ACK_EVERY, Execution
from remit.client.inlet import Inlet
from remit.client.input import Source
from remit.client.interrupts import Interrupts
from remit.client.link import Link
from remit.wire.message import Message
from remit.wire.problem import Problem

ACK_IDLE = 0.05  # seconds without output after which all of it is acknowledged
BEAT = 15.0  # seconds of silence before each ping
MISSED_BEATS = 2  # pings without an answer; one beat later the host is taken for dead
GRACE = 30.0  # seconds that a session may take to end a command that was cancelled


class Pump:
    """`on_message` takes what the session says besides; it may raise to end it all."""

    def __init__(
        self,
        execution: Execution,
        link: Link,
        inlet: Inlet,
        on_message: Callable[[Message], None],
        interrupts: Interrupts | None = None,
    ) -> None:
        self._execution = execution
        self._link = link
        self._inlet = inlet
        self._on_message = on_message
        self._interrupts = interrupts
        self._deadline = 0.0
        self._missed = 0

    def run(self, timeout: float | None = None) -> None:
        """EOFError if the stream ends, OSError if it breaks, Problem as everywhere."""
        execution = self._execution
        self._deadline = 0.0 if timeout is None else time.monotonic() + timeout
        if self._interrupts is not None:
            self._interrupts.react = self._cancel
        self.flush()
        while not execution.is_over():
            self._turn(self._wait())
        execution.acknowledge()
        while execution.outgoing:
            self.flush()
            if execution.outgoing:
                self._link.wait_sendable(BEAT)

    def flush(self) -> None:
        """Send what the link takes now."""
        outgoing = self._execution.outgoing
        try:
            while outgoing:
                sent = self._link.send(outgoing)
                if not sent:
                    return
                del outgoing[:sent]
        except ConnectionError:  # receiving will tell, after the other side's last words
            outgoing.clear()

    def _cancel(self) -> None:
        self._execution.cancel()
        self.flush()

    def _turn(self, events: dict[int, int]) -> None:
        execution = self._execution
        if self._interrupts is not None and self._interrupts.fileno() in events:
            self._interrupts.attend()
        if self._deadline and time.monotonic() >= self._deadline:
            self._overrun()
        if self._link.fileno() in events or self._link.has_received():
            self._receive()
        elif not events:
            self._idle()
        source = self._open_source()
        if source is not None and (source.descriptor < 0 or source.descriptor in events):
            execution.send_input()
        execution.acknowledge(ACK_EVERY)
        self.flush()

    def _wait(self) -> dict[int, int]:
        """What is ready, by descriptor; nothing if the patience of this moment ran out."""
        execution, link = self._execution, self._link
        if link.has_received():
            return {}
        poll = select.poll()
        poll.register(link, select.POLLIN | (select.POLLOUT if execution.outgoing else 0))
        if self._interrupts is not None:
            poll.register(self._interrupts, select.POLLIN)
        patience = ACK_IDLE if execution.is_owing() else BEAT
        source = self._open_source()
        if source is not None and source.descriptor >= 0:
            poll.register(source.descriptor, select.POLLIN)
        elif source is not None:
            patience = 0.0
        if self._deadline:
            patience = min(patience, max(0.0, self._deadline - time.monotonic()))
        return dict(poll.poll(patience * 1000))

    def _receive(self) -> None:
        self._missed = 0
        if self._inlet.fill() == 0:
            raise EOFError
        while (frame := self._inlet.take()) is not None:
            message = self._execution.take(frame)
            if message is not None:
                self._on_message(message)

    def _idle(self) -> None:
        source = self._open_source()
        if self._execution.is_owing():
            self._execution.acknowledge()
        elif source is None or source.descriptor >= 0:
            self._missed += 1
            if self._missed > MISSED_BEATS:
                silence = f"{BEAT * self._missed:.0f} s"
                raise Problem("unavailable", f"the host gave no sign of life for {silence}")
            self._execution.outgoing += Message("ping").encode()

    def _open_source(self) -> Source | None:
        """The source, if it should be read as soon as it has something."""
        execution = self._execution
        return execution.source if execution.wants_input() and not execution.outgoing else None

    def _overrun(self) -> None:
        if self._execution.timed_out:
            raise Problem("timeout", f"the command did not end within {GRACE:.0f} s of its cancel")
        self._execution.timed_out = True
        self._execution.cancel()
        self._deadline = time.monotonic() + GRACE
