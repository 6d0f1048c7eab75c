"""A command whose watcher has a defect: it is ended all the same, and waited for."""

from __future__ import annotations

import os

import pytest

from remit.system.cgroup import Cgroup, OwnCgroup, find_own
from remit.wire.problem import Problem
from remit.worker import execute
from remit.worker.execute import Execution, Watcher
from remit.worker.loop import Loop
from remit.worker.output import Budget
from remit.worker.request import Request


class Broken(Watcher):
    def __init__(self) -> None:
        self.defects: list[Exception] = []
        self.loop = Loop(self.defects.append)
        self.problems: list[Problem | None] = []

    def progress(self) -> None:
        raise KeyError("defect")

    def survived(self) -> None:
        raise AssertionError("it is of our user")

    def ended(self, request: Request, problem: Problem | None, status: int) -> None:
        self.problems.append(problem)
        self.loop.call_after(0.05, lambda: self.loop.stop(0))  # whatever else may come


def test_a_defect_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "_confine", lambda: None)
    before = set(os.listdir("/proc/self/fd"))
    above = Cgroup(find_own(), f"remit-execute-{os.getpid()}")
    home = OwnCgroup(f"{find_own()}/{above.name}")
    group = home.make("command-1")
    watcher, budget = Broken(), Budget(1 << 20, drops=False)
    execution = Execution(watcher.loop, watcher, Request("a", 1, budget), budget, False, home)
    execution.start(["/bin/sleep", "60"], {}, "/", group)
    watcher.loop.call_after(10, lambda: watcher.loop.stop(1))
    assert watcher.loop.run() == 0
    assert [problem.code for problem in watcher.problems if problem] == ["internal"]
    assert len(watcher.defects) == 1
    assert group.remove()
    assert home.clear()
    assert above.remove()
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 3  # the loop's epoll, two of `home`
