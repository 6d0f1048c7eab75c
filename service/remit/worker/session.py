"""The session: who is attached, whether it is kept, when it ends.

Owns the attachment, the monitor and the one way to the end. Commands are the runner's.
"""

from __future__ import annotations

import time

from remit.policy.capability import describe_commands
from remit.system.cgroup import OwnCgroup
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem
from remit.worker.allowance import MOST, PERIOD, Allowance
from remit.worker.attachment import Attachment, Desk
from remit.worker.connection import Connection
from remit.worker.loop import Loop, Timer
from remit.worker.monitor import Host, Monitor
from remit.worker.request import Request
from remit.worker.runner import Caller, Listener, Runner
from remit.worker.settings import Settings
from remit.worker.tenure import Tenure

_SLOW = 0.05  # seconds between two refusals that are too many
_JUMP = 2.0  # seconds by which the wall clock must have moved to be believed


class Session(Host, Desk, Listener):
    """One session, from `ready` to `ending`."""

    def __init__(self, loop: Loop, settings: Settings, home: OwnCgroup) -> None:
        """OSError if there can be no control groups for commands."""
        self.ending = ""
        self._loop = loop
        self._settings = settings
        self._tenure = Tenure(loop.now(), settings.kept, settings.idle_timeout)
        self._attachment: Attachment | None = None
        self._timer: Timer | None = None
        self._clock = time.time() - loop.now()
        self.monitor = Monitor(self)
        self._runner = Runner(loop, settings, home, self)
        self._leaving: set[Connection] = set()
        self._allowances = {"refused": Allowance(), "protocol": Allowance()}
        self._slow: Timer | None = None
        self._reschedule()

    # Who is attached

    def attach(self, connection: Connection, first: Message) -> None:
        """remitd has let this client in; it replaces one that is still there."""
        former = self._attachment
        attachment = Attachment(self, connection, first)
        if former is not None:
            reason = f"the session is attached by {attachment.user} from {attachment.peer} now"
            former.connection.finish(Message("failed", code="attached", message=reason))
            self.tell("detached", user=former.user, peer=former.peer, reason="attached elsewhere")
        self._attachment = connection.owner = attachment
        self._tenure.attach()
        for request in self._runner.requests.unsettled():
            attachment.deliver(request)
        self.tell("attached", user=attachment.user, peer=attachment.peer)
        self._changed()
        connection.pump()

    def detach(self) -> None:
        attachment = self._leave("detached")
        if attachment is not None:
            self._tenure.detach(self._loop.now())
            attachment.connection.finish(Message("detached"))
            self._changed()

    def lose(self, attachment: Attachment, problem: ProtocolProblem | None) -> None:
        if attachment is self._attachment:
            if problem is not None:
                self.tell("protocol", reason=problem.message)
            self._leave("the client broke the protocol" if problem else "the client was lost")
            self._tenure.lose(self._loop.now(), self._runner.owes)
            self._changed()

    def _leave(self, reason: str) -> Attachment | None:
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            self.tell("detached", user=attachment.user, peer=attachment.peer, reason=reason)
        return attachment

    # What the client asks for

    def run(self, message: Message) -> Request:
        person = self._attachment
        caller = Caller(person.user, person.peer) if person else Caller("", "")
        argv = message.texts("argv")
        return self._runner.run(message.text("id"), argv, message.flag("stdin"), caller)

    def warm(self) -> None:
        self._runner.warm()

    def find(self, id_: str) -> Request | None:
        return self._runner.requests.find(id_)

    def cancel(self, id_: str) -> None:
        self._runner.cancel(id_)

    def commands(self) -> Message:
        policy = self._settings.policy
        commands = describe_commands(policy)
        return Message("command-list", endpoint=policy.endpoint, commands=commands)

    def is_behind(self) -> bool:
        return self._slow is not None or self.monitor.is_swamped()

    def make_room(self) -> None:
        self._runner.resume()

    # What the commands do

    def tell(self, event: str, **fields: str) -> None:
        """What a client can bring about at will is limited; what was done is told, all of it."""
        allowance = self._allowances.get(event)
        if allowance is None or allowance.take(self._loop.now()):
            self._tell(event, **fields)
        else:
            self._leave_out(event, allowance)

    def _leave_out(self, event: str, allowance: Allowance) -> None:
        if allowance.left_out == 1:
            wait = allowance.wait(self._loop.now())
            self._loop.call_after(wait, lambda: self._tell_left_out(event, allowance))
        if self._slow is None:
            self._slow = self._loop.call_after(_SLOW, self._hurry)

    def _tell_left_out(self, event: str, allowance: Allowance) -> None:
        if count := allowance.settle():
            reason = f"no more than {MOST} in {PERIOD:.0f} seconds are told one by one"
            self._tell(event, command=f"({count} more)", reason=f"{count} more; {reason}")

    def _hurry(self) -> None:
        self._slow = None
        self.resume()

    def resume(self) -> None:
        """A client that had to wait is heard again."""
        if self._attachment is not None:
            self._attachment.connection.resume()

    def _tell(self, event: str, **fields: str) -> None:
        person = self._attachment
        if person is not None:
            fields = {"user": person.user, "peer": person.peer, **fields}
        self.monitor.tell(event, **fields)

    def progress(self) -> None:
        if self._attachment is not None:
            self._attachment.connection.pump()

    def changed(self, running: str) -> None:
        self._tenure.set_busy(self._loop.now(), bool(running))
        if self.ending and not running:
            self._close()
        else:
            self._changed()

    def survived(self, command: str) -> None:
        self.tell("defect", command=command, reason=f"{command} left what only its unit can end")
        self.end("a command could not be ended")

    # The end

    def end(self, reason: str) -> None:
        """End everything in it, tell everybody why, and leave the loop."""
        if not self.ending:
            self.ending = reason
            self.monitor.refresh()
            if not self._runner.close():
                self._close()

    def _close(self) -> None:
        attachment = self._leave(self.ending)
        for event, allowance in self._allowances.items():
            self._tell_left_out(event, allowance)
        self.monitor.refresh()
        leaving = {self.monitor.connection, attachment.connection if attachment else None}
        self._leaving = {connection for connection in leaving if connection is not None}
        for connection in self._leaving.copy():
            connection.when_closed(self._take_leave)
        if attachment is not None:
            attachment.connection.finish(Message("closing", reason=self.ending))
        self.monitor.close(self.ending)
        if not self._leaving:
            self._loop.stop(0)

    def _take_leave(self, connection: Connection) -> None:
        """The last words have been taken, or their time is over."""
        self._leaving.discard(connection)
        if not self._leaving:
            self._loop.stop(0)

    # Its state

    def describe(self) -> dict[str, object]:
        person, now = self._attachment, self._loop.now()
        deadline = self._tenure.deadline()
        return {
            "kept": self._tenure.kept,
            "attached": person.id if person else "",
            "user": person.user if person else "",
            "peer": person.peer if person else "",
            "running": self._runner.running,
            "idle_since": self._wall(self._tenure.idle_since, now),
            "expires": self._wall(deadline[0] if deadline else None, now),
            "ending": bool(self.ending),
        }

    def refresh(self) -> None:
        """Tell the monitor what time alone has changed: after a suspend the session ends later."""
        self.monitor.refresh()

    def _wall(self, when: float | None, now: float) -> int:
        """A time of CLOCK_MONOTONIC as the seconds of the wall clock; 0 for none."""
        if when is None:
            return 0
        clock = time.time() - now
        if abs(clock - self._clock) > _JUMP:
            self._clock = clock
        return round(when + self._clock)

    def _changed(self) -> None:
        self._reschedule()
        self.monitor.refresh()

    def _reschedule(self) -> None:
        self._loop.cancel(self._timer)
        deadline = self._tenure.deadline()
        if deadline is not None and not self.ending:
            when, reason = deadline
            self._timer = self._loop.call_after(when - self._loop.now(), lambda: self.end(reason))
