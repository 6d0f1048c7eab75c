"""A real child in a real control group."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remit.system.cgroup import Cgroup, find_own
from remit.system.spawn import Child, Plan, StartFailure, spawn


@pytest.fixture
def group() -> Iterator[Cgroup]:
    group = Cgroup(find_own(), f"remit-spawn-{os.getpid()}")
    yield group
    group.kill()
    while not group.remove():
        poll = select.poll()
        poll.register(group.watch(), select.POLLPRI)
        poll.poll(1000)


def start(
    group: Cgroup, *argv: str, directory: str = "/", confine: Callable[[], object] = int
) -> tuple[Child, str]:
    """The ended child and what it wrote."""
    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        streams = (null, writing, writing)
        child = spawn(Plan(argv, {"WORD": "yes"}, directory, streams, group.descriptor, confine))
    finally:
        os.close(writing)
        os.close(null)
    with os.fdopen(reading, "rb") as file:
        text = file.read().decode()
    select.select([child.report], [], [], 10)
    select.select([child.pidfd], [], [], 10)
    return child, text

INTERNAL = 0x180000000  # signals 32 and 33 are the C library's; its posix_spawn ignores them


def test_it_is_born_in_its_group_with_nothing_else(group: Cgroup) -> None:
    """The signal that Python ignores is not ignored, and no descriptor of ours is open."""
    script = "cat /proc/self/cgroup; echo $WORD; pwd; ls /proc/self/fd; cat /proc/self/status"
    child, text = start(group, "/bin/sh", "-c", script, directory="/usr")
    child.check_started()
    assert child.wait() == 0
    lines = text.splitlines()
    assert any(line.startswith("0::") and f"remit-spawn-{os.getpid()}" in line for line in lines)
    assert "yes" in lines
    assert "/usr" in lines
    assert [line for line in lines if line.isdigit()] == ["0", "1", "2", "3"]  # 3 is ls's own
    (ignored,) = [line.split()[1] for line in lines if line.startswith("SigIgn:")]
    assert not int(ignored, 16) & ~INTERNAL
    assert "SigBlk:\t0000000000000000" in lines


def test_status_and_signal(group: Cgroup) -> None:
    child, _ = start(group, "/bin/sh", "-c", "exit 3")
    child.check_started()
    assert child.wait() == 3
    child, _ = start(group, "/bin/sh", "-c", "kill -TERM $$")
    child.check_started()
    assert child.wait() == -signal.SIGTERM


@pytest.mark.parametrize(
    "argv, directory, error, step",
    [
        (["/no/such/program"], "/", FileNotFoundError, "start"),
        (["/etc/passwd"], "/", PermissionError, "start"),
        (["/bin/true"], "/no/such/directory", FileNotFoundError, "enter its directory"),
        (["/bin/true", "a\0b"], "/", OSError, "start"),
    ],
)
def test_what_cannot_be_started_says_why(
    group: Cgroup, argv: list[str], directory: str, error: type[OSError], step: str
) -> None:
    child, _ = start(group, *argv, directory=directory)
    with pytest.raises(StartFailure) as caught:
        child.check_started()
    assert caught.value.step == step
    assert caught.value.errno == (error().errno or caught.value.errno)
    assert child.wait() == 127


def test_what_cannot_be_confined_is_not_started(group: Cgroup) -> None:
    def refuse() -> None:
        raise PermissionError(1, "no")

    child, text = start(group, "/bin/echo", "free", confine=refuse)
    with pytest.raises(StartFailure, match="not permitted") as caught:
        child.check_started()
    assert (caught.value.step, text, child.wait()) == ("be confined", "", 127)


def test_no_group_no_process(tmp_path: Path) -> None:
    """There is no way round the control group."""
    before = set(os.listdir("/proc/self/fd"))
    directory = os.open(tmp_path, os.O_RDONLY)
    null = os.open(os.devnull, os.O_RDWR)
    with pytest.raises(OSError, match="clone3"):
        spawn(Plan(["/bin/true"], {}, "/", (null, null, null), directory, int))
    os.close(directory)
    os.close(null)
    assert set(os.listdir("/proc/self/fd")) == before
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_no_descriptor_is_left_with_us(group: Cgroup) -> None:
    before = set(os.listdir("/proc/self/fd"))
    child, _ = start(group, "/bin/true")
    child.check_started()
    child.wait()
    assert set(os.listdir("/proc/self/fd")) == before


def test_killing_a_group_takes_all_of_it(group: Cgroup) -> None:
    assert group.is_empty()
    script = "sleep 60 & setsid sleep 60 & echo; exec >&-; wait"
    child, _ = start(group, "/bin/sh", "-c", "exec >/dev/null 2>&1; " + script)
    assert child.pid in group.processes()
    assert not group.is_empty()
    assert not group.remove()
    group.kill()
    select.select([child.pidfd], [], [], 10)
    assert child.wait() == -signal.SIGKILL
