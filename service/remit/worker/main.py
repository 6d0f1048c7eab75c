"""remit-worker: the process of a session's unit.

Owns the order of the start: socket, policy, sandbox, readiness. Exit status 0 after a session that
ended as it should, 1 if none came to be, 2 if it was started by hand.
"""

from __future__ import annotations

import os
import signal
import sys

from remit.system.activation import take_descriptors
from remit.system.cgroup import OwnCgroup, find_own
from remit.system.readiness import Readiness
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem
from remit.worker.connection import Connection
from remit.worker.door import Door, Receptionist
from remit.worker.loop import Loop
from remit.worker.session import Session
from remit.worker.settings import Settings
from remit.worker.verify import Facts, find_faults

_POLICY = 60.0  # seconds for remitd to say what this session is
_BEAT = 10.0  # seconds between two looks at the clock


class Worker(Receptionist):
    """The process: first without a session, then with it until the end."""

    def __init__(self, descriptor: int, readiness: Readiness) -> None:
        self._loop = Loop(self._report)
        self._readiness = readiness
        self._session: Session | None = None
        self._door = Door(self._loop, descriptor, self)
        self._waiting = self._loop.call_after(_POLICY, self._give_up)
        self._loop.catch_signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def run(self) -> int:
        return self._loop.run()

    def introduce(self, connection: Connection, first: Message) -> None:
        if first.type == "policy" and self._session is None:
            self._open(connection, first)
        elif self._session is None:
            raise ProtocolProblem(f"{first.type} before the policy")
        elif first.type == "client" and not self._session.ending:
            self._session.attach(connection, first)
        elif first.type == "monitor":
            self._session.monitor.listen(connection)
        else:
            raise ProtocolProblem(f"{first.type} as the first word of a connection")

    def _open(self, connection: Connection, first: Message) -> None:
        self._loop.cancel(self._waiting)
        try:
            self._session = self._prepare(first)
        except Problem as problem:
            _complain(problem.message)
            connection.when_closed(lambda _: self._loop.stop(1))
            connection.finish(Message("failed", code=problem.code, message=problem.message))
            return
        self._session.monitor.listen(connection)
        self._readiness.say_ready()
        self._loop.call_after(0, self._session.warm)
        self._beat()

    def _prepare(self, first: Message) -> Session:
        settings = Settings(first)
        faults = find_faults(settings.sandbox, Facts.of_this_process())
        if faults:
            raise Problem("sandbox", "the sandbox is not what was ordered: " + "; ".join(faults))
        try:
            return Session(self._loop, settings, OwnCgroup(find_own()))
        except OSError as error:
            raise Problem("sandbox", f"no control group for commands: {error}") from error

    def _beat(self) -> None:
        self._readiness.say_alive()
        if self._session is not None:
            self._session.refresh()
        interval = self._readiness.interval
        self._loop.call_after(min(interval, _BEAT) if interval else _BEAT, self._beat)

    def _terminate(self) -> None:
        if self._session is None:
            self._loop.stop(1)
        else:
            self._readiness.say_stopping()
            self._session.end("stopped by the host")

    def _give_up(self) -> None:
        _complain("no policy came")
        self._loop.stop(1)

    def _report(self, error: Exception) -> None:
        import traceback  # a megabyte that a session without defects does not need

        _complain("".join(traceback.format_exception(error)))
        if self._session is not None:
            self._session.tell("defect", reason=f"{type(error).__name__}: {error}")


def _complain(message: str) -> None:
    os.write(2, f"remit-worker: {message.rstrip()}\n".encode(errors="backslashreplace"))


def main() -> int:
    """`sys.argv` is not looked at: everything comes over the socket."""
    try:
        readiness = Readiness.from_environment(os.environ)
    except OSError as error:
        _complain(f"the notification socket: {error}")
        return 2
    descriptors = take_descriptors(os.environ)
    if len(descriptors) != 1:
        _complain("systemd starts this, with one listening socket")
        return 2
    status = Worker(descriptors[0], readiness).run()
    os._exit(status)  # everything has been said; taking the interpreter down would take 10 ms


if __name__ == "__main__":
    sys.exit(main())
