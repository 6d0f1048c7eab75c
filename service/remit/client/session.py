"""A session that this client is attached to: run commands in it, leave it, end it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from remit.client.attachment import Attachment
from remit.client.conversation import Conversation
from remit.client.execution import Execution
from remit.client.input import Source
from remit.client.interrupts import Interrupts
from remit.client.output import Sink, WriterSink
from remit.wire.frame import STDERR, STDOUT
from remit.wire.message import Message
from remit.wire.problem import Problem

Output = Callable[[bytes], object]


class Result:
    """How a command ended. `status` is its exit status, or 128 + `signal` as in sh; `signal` is 0
    for none. `stdout` and `stderr` hold what was not written elsewhere; `failures` are the errors
    of those who were to write it."""

    __slots__ = ("failures", "signal", "status", "stderr", "stdout", "timed_out")

    def __init__(self, execution: Execution) -> None:
        out, err = execution.streams[STDOUT], execution.streams[STDERR]
        self.signal = execution.signal or 0
        self.status = 128 + self.signal if execution.status is None else execution.status
        self.timed_out = execution.timed_out
        self.stdout = bytes(out.sink.kept)
        self.stderr = bytes(err.sink.kept)
        self.failures = (out.failure, err.failure)

    def __repr__(self) -> str:
        return f"<Result status={self.status}>"


class Session:
    """Attached until `detach`, `close` or its own end. A `with` block closes it, or detaches it
    if it is kept."""

    def __init__(self, conversation: Conversation, attached: Message, kept: bool) -> None:
        self.id = attached.text("session")
        self.endpoint = attached.text("endpoint")
        self.kept = kept
        self._attachment = Attachment(conversation)
        self._prefix = os.urandom(8).hex()  # a session tells requests of all its clients apart
        self._count = 0

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._attachment.give_up()
        elif self.kept:
            self.detach()
        else:
            self.close()

    def run(
        self,
        argv: Sequence[str],
        stdin: bytes | Source | None = None,
        stdout: Sink | Output | None = None,
        stderr: Sink | Output | None = None,
        timeout: float | None = None,
        interrupts: Interrupts | None = None,
    ) -> Result:
        """Run one command to its end; Problem if it is refused or the session ends before it.

        Output is kept in the result, or given to a `write` as it comes. After `timeout` seconds
        the command is cancelled, and the result says so.
        """
        self._count += 1
        source = Source.from_bytes(stdin) if isinstance(stdin, bytes) else stdin
        execution = Execution(
            f"{self._prefix}-{self._count}", (_sink(stdout), _sink(stderr)), source
        )
        execution.start(argv)
        try:
            self._attachment.run(execution, timeout, interrupts)
        except Problem:
            raise
        except BaseException:
            self._attachment.give_up()
            raise
        return Result(execution)

    def commands(self) -> list[dict[str, object]]:
        """What may run here: name, summary and usages of each command."""
        self._attachment.send("commands")
        return self._attachment.hear("command-list").tables("commands")

    def detach(self) -> None:
        """Leave the session as it is. Nothing happens to one that is over."""
        self._leave("detach")

    def close(self) -> None:
        """End the session; returns when nothing is left of it."""
        self._leave("close")

    def _leave(self, request: str) -> None:
        if not self._attachment.over:
            self._attachment.send(request)
            self._attachment.await_release()


def _sink(output: Sink | Output | None) -> Sink:
    if isinstance(output, Sink):
        return output
    return Sink() if output is None else WriterSink(output)
