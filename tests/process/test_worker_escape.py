"""A command leaves its control group, which its user may: it does not outlive its request."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.system.cgroup import OwnCgroup, find_own
from remit.wire.frame import DATA
from tests.process.worker_process import PATIENCE, Peer, WorkerProcess, policy_frame, settle

NOBODY = 65534

# Each ends at once and leaves a process that sleeps. $U is the unit's group, $C the command's.
ESCAPES = {
    "nowhere": "sleep 600 & echo out",
    "into the unit's own group": "sleep 600 & echo $! >$U/cgroup.procs; echo out",
    "into a group beside": "mkdir $U/mine; sleep 600 & echo $! >$U/mine/cgroup.procs; echo out",
    "into a group of a worker's name": (
        "mkdir $U/command-2; sleep 600 & echo $! >$U/command-2/cgroup.procs; echo out"
    ),
    "into a group deep beneath": (
        "mkdir -p $U/a/b/c/d $U/a/e; sleep 600 & echo $! >$U/a/b/c/d/cgroup.procs; echo out"
    ),
    "leaving no group behind": (
        "sleep 600 & echo $! >$U/cgroup.procs; echo $$ >$U/cgroup.procs; rmdir $C; echo out"
    ),
    "leaving another group of that name": (
        "echo $$ >$U/cgroup.procs; rmdir $C; mkdir $C; sleep 600 & echo $! >$C/cgroup.procs; "
        "echo out"
    ),
    "into a threaded group": (
        "echo $$ >$U/cgroup.procs; mkdir $U/t; echo threaded >$U/t/cgroup.type; sleep 600 & "
        "echo $! >$U/t/cgroup.threads; echo out"
    ),
    "its own group made threaded": (
        "echo $$ >$U/cgroup.procs; echo threaded >$C/cgroup.type; sleep 600 & "
        "echo $! >$C/cgroup.threads; echo out"
    ),
    "with its modes changed": (
        "mkdir $U/m $U/m/n; sleep 600 & echo $! >$U/m/n/cgroup.procs; sleep 601 & "
        "echo out; chmod 0 $C/cgroup.* $U/m/n/cgroup.* $U/m/n $U/m $C; chmod 0 $U/cgroup.procs $U"
    ),
}
DEEP = "import os; [(os.mkdir('d' * 200), os.chdir('d' * 200)) for _ in range(30)]; "


@pytest.fixture
def session(tmp_path: Path) -> Iterator[WorkerProcess]:
    """As sessions really run."""
    with WorkerProcess(tmp_path, policy_frame(), user=NOBODY) as worker:
        yield worker


def run(session: WorkerProcess, client: Peer, script: str) -> bytes:
    """A first command's output, without which the attack has not come to its end."""
    names = f"U={session.cgroup} C={session.cgroup}/command-1; "
    outcome = client.run("sh", "-c", names + script)
    assert not outcome.stderr
    return outcome.stdout


@pytest.mark.parametrize("script", ESCAPES.values(), ids=ESCAPES.keys())
def test_nothing_outlives_its_request(session: WorkerProcess, script: str) -> None:
    client = session.attach()
    assert run(session, client, script) == b"out\n"
    assert session.processes() == []
    settle(client)
    assert len(session.groups()) == 1  # the next command's
    assert client.run("true").end.number("status") == 0


@pytest.mark.parametrize("script", ESCAPES.values(), ids=ESCAPES.keys())
def test_the_escapes_work_where_nobody_sweeps(tmp_path: Path, script: str) -> None:
    """The attack itself, beside the worker: what runs while the command does not end."""
    with WorkerProcess(tmp_path, policy_frame(), user=NOBODY) as session:
        client = session.attach()
        names = f"U={session.cgroup} C={session.cgroup}/command-1; "
        client.say("run", id="a", argv=["sh", "-c", names + script + "; wait"], stdin=False)
        client.hear("started")
        assert next(f for f in client.frames() if f.kind == DATA).body == b"out\n"
        assert len(session.processes()) >= 2  # the shell, and what it leaves
        client.say("close")
        client.wait_for("closing")
        session.wait()
        assert session.processes() == []


def test_one_that_forks_all_the_time(session: WorkerProcess) -> None:
    client = session.attach()
    script = "(echo 0 >$U/cgroup.procs; while :; do sleep 0.01 & done) & sleep 0.3; echo out"
    assert run(session, client, script) == b"out\n"
    assert session.processes() == []


def test_one_that_moves_all_the_time(session: WorkerProcess) -> None:
    client = session.attach()
    hop = "mkdir -p $U/x; echo 0 >$U/x/cgroup.procs; echo 0 >$U/cgroup.procs; rmdir $U/x"
    script = f"(while :; do {hop}; done) 2>/dev/null & sleep 0.3; echo out"
    for _ in range(5):
        assert run(session, client, script) == b"out\n"
        assert session.processes() == []


def test_deeper_than_a_path_is_long(session: WorkerProcess) -> None:
    client = session.attach()
    enter = "open('cgroup.procs', 'w').write('0'); os.execv('/usr/bin/sleep', ['sleep', '600'])"
    script = f'cd $U; python3 -c "{DEEP}{enter}" & sleep 1; echo out'
    assert run(session, client, script) == b"out\n"
    assert session.processes() == []
    settle(client)
    assert len(session.groups()) == 1


def test_cancel_reaches_one_that_has_left(session: WorkerProcess) -> None:
    client = session.attach()
    script = f"trap '' INT TERM; echo $$ >{session.cgroup}/cgroup.procs; echo out; "
    id_, _ = client.start("sh", "-c", script + "while :; do sleep 0.05; done")
    assert next(f for f in client.frames() if f.kind == DATA).body == b"out\n"
    client.say("cancel", id=id_)
    assert client.wait_for("exited").number("signal") == signal.SIGKILL
    assert session.processes() == []


def test_what_cannot_be_killed_ends_the_session(session: WorkerProcess) -> None:
    """A process of another user in the session's own group, as a program with a user bit makes."""
    client = session.attach()
    foreign = os.posix_spawn("/usr/bin/sleep", ["sleep", "600"], {})
    try:
        id_, _ = client.start("sleep", "1")
        (session.cgroup / "cgroup.procs").write_text(str(foreign))
        began = time.monotonic()
        assert client.collect().end.fields["id"] == id_
        assert client.wait_for("closing").text("reason") == "a command could not be ended"
        assert 4 < time.monotonic() - began < PATIENCE
        client.close()
        reason = str(session.event("defect")["reason"])
        assert reason == "sleep 1 left what only its unit can end"
        session.monitor.close()
        assert session.wait() == 0
        os.kill(foreign, 0)  # only its unit can: the worker had no right to it
    finally:
        os.kill(foreign, signal.SIGKILL)
        os.waitpid(foreign, 0)


def test_others_in_its_group_are_no_prey(tmp_path: Path) -> None:
    """A worker that is started beside others, not in a unit of its own, does not serve."""
    group = Path(find_own()) / f"remit-shared-{os.getpid()}"
    group.mkdir()
    other = os.posix_spawn("/usr/bin/sleep", ["sleep", "600"], {})
    try:
        OwnCgroup(str(group))
        (group / "cgroup.procs").write_text(str(other))
        with pytest.raises(OSError, match="shared"):
            OwnCgroup(str(group))
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
        group.rmdir()
