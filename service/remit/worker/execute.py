"""One command: from a process in a control group of its own until nothing is left of either.

Owns the process, the group, the pipes and the escalation that ends them. Decides nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence

from remit.system.cgroup import Cgroup, OwnCgroup
from remit.system.process import offer_to_oom_killer
from remit.system.seccomp import install_filter, make_filter
from remit.system.spawn import Child, Plan, StartFailure, spawn
from remit.wire.frame import STDERR, STDOUT
from remit.wire.problem import Problem
from remit.worker.loop import READ, URGENT, Loop, Timer
from remit.worker.output import Budget
from remit.worker.pipes import InputPipe, OutputPipe
from remit.worker.request import Request

TIMED_OUT = 124  # exit status, as timeout(1) has it

_AGAIN = 0.005  # seconds between two looks for what is dying
_PATIENCE = 5.0  # seconds after which what does not die is a reason to end the session


_FILTER = make_filter(os.uname().machine)


class Watcher:
    """Who is told how a command fares."""

    def progress(self) -> None:
        """It has started, or written or read something."""
        raise NotImplementedError

    def ended(self, request: Request, problem: Problem | None, status: int) -> None:
        """Nothing is left of it. A problem: it never started. A negative status is a signal."""
        raise NotImplementedError

    def survived(self) -> None:
        """Something of it cannot be ended from here; `ended` follows. The unit has to go."""
        raise NotImplementedError


class Execution:
    """A command with its pipes; `start` it once, then the watcher is told."""

    def __init__(
        self,
        loop: Loop,
        watcher: Watcher,
        request: Request,
        budget: Budget,
        wants_input: bool,
        home: OwnCgroup,
    ) -> None:
        """`home` is the group that the command's is made in, which it must not escape to."""
        self.request = request
        self._home = home
        self._ended_at = 0.0
        self._again: Timer | None = None
        self._loop = loop
        self._watcher = watcher
        self._cgroup: Cgroup | None = None
        self._child: Child | None = None
        self._program = ""
        self._problem: Problem | None = None
        self._status = 0
        self._timed_out = False
        self._escalating = False
        self._timers: list[Timer] = []
        self._outputs = [
            OutputPipe(loop, request.logs[stream], budget, watcher.progress)
            for stream in (STDOUT, STDERR)
        ]
        self._input = request.input = InputPipe(loop, wants_input, watcher.progress)

    def start(
        self, argv: Sequence[str], environment: Mapping[str, str], directory: str, cgroup: Cgroup
    ) -> None:
        """Run this vector. OSError if there can be no process; the group is then still free."""
        streams = (self._input.theirs, self._outputs[0].theirs, self._outputs[1].theirs)
        try:
            child = spawn(Plan(argv, environment, directory, streams, cgroup.descriptor, _confine))
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for descriptor in streams:
                os.close(descriptor)
        self._program, self._child, self._cgroup = argv[0], child, cgroup
        self._loop.watch(child.report, READ, lambda: self._note_start(child), self._abandon)
        self._loop.watch(child.pidfd, READ, lambda: self._note_exit(child), self._abandon)

    def limit(self, seconds: float, grace: float) -> None:
        """Interrupt it after this time, as `interrupt` does; its status is then TIMED_OUT."""

        def time_out() -> None:
            self._timed_out = True
            self.interrupt(grace)

        self._later(seconds, time_out)

    def resume(self) -> None:
        """There is room for output again."""
        if self.request.started:
            for output in self._outputs:
                output.resume()

    def interrupt(self, grace: float) -> None:
        """What Ctrl-C does; SIGTERM after half of the grace, the end of everything after all."""
        if not self._escalating and self._child is not None and self._child.pidfd >= 0:
            self._escalating = True
            _interrupt(self._child)
            self._later(grace / 2, self._terminate)
            self._later(grace, self.kill)

    def stop(self, patience: float) -> None:
        """SIGTERM to all of it, and after `patience` seconds the end of everything."""
        self._terminate()
        self._later(patience, self.kill)

    def kill(self) -> None:
        """The first process too, which may have left the group; what it leaves is swept."""
        self._signal(signal.SIGKILL)
        if self._cgroup is not None:
            self._cgroup.kill()

    def _terminate(self) -> None:
        if self._cgroup is not None:
            self._cgroup.send_signal(signal.SIGTERM)
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        try:
            if self._child is not None and self._child.pidfd >= 0:
                signal.pidfd_send_signal(self._child.pidfd, number)
        except (ProcessLookupError, PermissionError):
            pass

    def _note_start(self, child: Child) -> None:
        self._loop.forget(child.report)
        try:
            child.check_started()
        except StartFailure as failure:
            message = f"could not {failure.step} ({self._program}): {failure.strerror}"
            self._problem = Problem("failed-start", message)
            return
        self.request.started = True
        self.resume()
        self._watcher.progress()
        offer_to_oom_killer(child.pid)

    def _note_exit(self, child: Child) -> None:
        if child.report >= 0:
            self._note_start(child)
        self._loop.forget(child.pidfd)
        self._status = child.wait()
        self._ended_at = self._loop.now()
        self._input.close()
        self._sweep()

    def _sweep(self) -> None:
        """Kill what the command left behind, wherever in the unit, and go on when it is gone."""
        self._loop.cancel(self._again)
        try:
            gone = self._is_gone()
        except OSError:  # the command is changing its groups: let it lose later
            gone = False
        if gone:
            self._finish()
        elif self._loop.now() - self._ended_at < _PATIENCE:
            self._again = self._loop.call_after(_AGAIN, self._sweep)
        else:
            self._give_up()

    def _is_gone(self) -> bool:
        """Kill what is left. What has gone from the group may have left a thread in it: both."""
        cgroup = self._cgroup
        if cgroup is not None:
            self._loop.forget(cgroup.events)
            if not cgroup.remove():
                self._loop.watch(cgroup.watch(), URGENT, self._sweep, self._abandon)
                cgroup.kill()
                self._home.clear(but=cgroup.name)
                return False
            self._cgroup = None
        return self._home.clear()

    def _give_up(self) -> None:
        """It cannot be killed from here, as a program of another user cannot: the unit ends it."""
        if self._cgroup is not None:
            self._loop.forget(self._cgroup.events)
            self._cgroup = None
        self._close_pipes()
        self._watcher.survived()
        self._finish()

    def _finish(self) -> None:
        self._cancel_timers()
        for output in self._outputs:
            output.drain()
        status = TIMED_OUT if self._timed_out else self._status
        self._watcher.ended(self.request, self._problem, status)

    def _abandon(self) -> None:
        """A defect of ours has come between: end the command in any case, and wait for it."""
        try:
            self.kill()
            self._home.clear()
        except OSError:
            pass  # the next command's sweep finds what is left
        self._close_pipes()
        self._cancel_timers()
        if (child := self._child) is not None and child.pidfd >= 0:
            self._loop.forget(child.report)
            self._loop.forget(child.pidfd)
            self._status = child.wait()
        if (cgroup := self._cgroup) is not None:
            self._loop.forget(cgroup.events)
            self._cgroup = None
        problem = Problem("internal", "met a defect in remit; the journal of the host has it")
        self._watcher.ended(self.request, problem, 0)

    def _cancel_timers(self) -> None:
        for timer in (*self._timers, self._again):
            self._loop.cancel(timer)
        self._timers.clear()

    def _close_pipes(self) -> None:
        self._input.close()
        for output in self._outputs:
            output.close()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_after(seconds, call))


def _confine() -> None:
    """In the child, before its program: what the unit cannot keep from it without keeping it from
    the worker too."""
    install_filter(_FILTER)


def _interrupt(child: Child) -> None:
    """SIGINT as from a terminal: to the process group, or to the child before it leads one."""
    try:
        os.killpg(child.pid, signal.SIGINT)
    except ProcessLookupError:
        signal.pidfd_send_signal(child.pidfd, signal.SIGINT)
