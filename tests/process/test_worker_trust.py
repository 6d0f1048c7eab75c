"""The worker and what it does not trust: its clients' frames, and the sandbox around it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.wire.frame import CONTROL, DATA, HEADER, MAX_CONTROL, STDIN, STDOUT, Frame
from remit.wire.message import Message
from tests.process.worker_process import (
    MEBIBYTE,
    PATIENCE,
    Peer,
    WorkerProcess,
    policy_frame,
)
from tests.tree import DEBIANS_PYTHON

# Bad input: the connection ends, the session stays


def _control(body: bytes) -> bytes:
    return Frame(CONTROL, body=body).encode()


BAD = {
    "no JSON": _control(b"run!"),
    "no object": _control(b"[]"),
    "unknown type": _control(b'{"type":"shutdown"}'),
    "the same key twice": _control(b'{"type":"ping","type":"ping"}'),
    "deeply nested": _control(b'{"type":' * 20_000),
    "a lone surrogate": _control(b'{"type":"cancel","id":"\\ud800"}'),
    "a field too much": _control(b'{"type":"ping","please":true}'),
    "a number for a text": _control(b'{"type":"cancel","id":1}'),
    "remitd's word": Message("end", reason="because").encode(),
    "another policy": policy_frame().encode(),
    "a second introduction": Message("client", attachment="x", user="root", peer="").encode(),
    "a host's word": Message("pong").encode(),
    "oversized control": HEADER.pack(MAX_CONTROL + 1, CONTROL, 0, 0, 0),
    "oversized data": HEADER.pack(256 * 1024 + 1, DATA, STDIN, 1, 0),
    "a kind that is not": HEADER.pack(0, 9, 0, 0, 0),
    "output from a client": Frame(DATA, STDOUT, 1, 0, b"x").encode(),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_bad_frames_end_the_connection_alone(worker: WorkerProcess, bad: bytes) -> None:
    client = worker.attach()
    client.start("sh", "-c", "sleep 0.2; echo still here", id_="good")
    client.socket.sendall(bad)
    assert client.wait_for("failed").fields["code"] == "protocol"
    client.hear_end()
    client.close()
    assert worker.event("protocol")["peer"] == "192.0.2.1"
    other = worker.attach("b")
    other.hear("started")
    assert other.collect().stdout == b"still here\n"


def test_a_confirmation_of_what_was_never_sent(worker: WorkerProcess) -> None:
    client = worker.attach()
    _, channel = client.start("sleep", "60")
    client.acknowledge(channel, STDOUT, 1)
    assert client.wait_for("failed").fields["code"] == "protocol"
    client.close()
    worker.attach("b").say("close")
    assert worker.wait() == 0


def test_a_silent_client_blocks_nobody(worker: WorkerProcess) -> None:
    """It reads nothing at all; the monitor and the next client are served as ever."""
    silent = worker.attach()
    silent.say("run", id="big", argv=["zeros", "-c", str(64 * MEBIBYTE)], stdin=False)
    worker.state(running="zeros -c 67108864")
    second = worker.attach("b")
    second.hear("started")
    assert len(second.collect().stdout) == 64 * MEBIBYTE


def _asked(type_: str, number: int) -> bytes:
    fields: dict[str, object] = {"id": f"x{number}", "argv": ["id"] * 20, "stdin": False}
    return Message(type_, **(fields if type_ == "run" else {})).encode()


@pytest.mark.parametrize("asked", ["ping", "commands", "run"])
def test_answers_that_nobody_reads_are_bounded(worker: WorkerProcess, asked: str) -> None:
    """The worker stops to listen, and then the client cannot send; all is answered in the end."""
    client = worker.attach()
    client.run("true")
    before = worker.memory()
    client.socket.settimeout(1.0)
    with pytest.raises(TimeoutError):
        client.socket.sendall(b"".join(_asked(asked, number) for number in range(50_000)))
    assert worker.memory() - before < 3 * 1024
    client.socket.settimeout(PATIENCE)
    answered = {"ping": "pong", "commands": "command-list", "run": "failed"}[asked]
    for _ in range(200):
        client.wait_for(answered)
    assert worker.attach("b").run("true").end.number("status") == 0


# The sandbox

BROKEN = {
    "no_new_privileges": ({"no_new_privileges": True}, "NoNewPrivs 0"),
    "seccomp": ({"seccomp": True}, "Seccomp 0"),
    "capabilities": ({"capabilities": "0"}, "CapPrm"),
    "namespaces": ({"namespaces": {"net": str(os.stat("/proc/self/ns/net").st_ino)}}, "net"),
    "read_only": ({"read_only": ["/tmp"]}, "/tmp mounted for writing"),
    "hidden": ({"hidden": ["/nowhere", "/etc/passwd"]}, "/etc/passwd accessible"),
    "no_exec": ({"no_exec": ["/usr"]}, "/usr without noexec"),
    "uid": ({"uid": 12345}, "uid 0"),
    "gid": ({"gid": 12345}, "gid 0"),
    "private_tmp": ({"private_tmp": True}, "/tmp"),
    "unknown": ({"private_moon": True}, "no check for it"),
    "nonsense": ({"hidden": "/etc"}, "cannot be checked"),
}


@pytest.mark.parametrize("promised, found", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_promise_is_no_session(
    tmp_path: Path, promised: dict[str, object], found: str
) -> None:
    with WorkerProcess(tmp_path) as worker:
        worker.monitor.send(policy_frame(sandbox=promised))
        failed = worker.monitor.hear("failed")
        worker.monitor.hear_end()
        worker.monitor.close()
        assert worker.wait() == 1
    assert failed.fields["code"] == "sandbox"
    assert next(iter(promised)) in failed.text("message")
    assert f"promised {next(iter(promised.values()))!r}, found" in failed.text("message")
    assert found in failed.text("message")


def test_a_kept_promise_is_a_session(tmp_path: Path) -> None:
    kept: dict[str, object] = {
        "uid": 0,
        "gid": 0,
        "capabilities": "1ffffffffff",
        "namespaces": {"net": "1"},
        "hidden": ["/nowhere"],
        "read_only": [],
    }
    with WorkerProcess(tmp_path, policy_frame(sandbox=kept)) as worker:
        assert worker.attach().run("true").end.number("status") == 0


def test_a_policy_that_cannot_be_read_is_no_session(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path) as worker:
        worker.monitor.send(policy_frame(policy={"roles": []}))
        assert worker.monitor.hear("failed").fields["code"] == "protocol"
        worker.monitor.close()
        assert worker.wait() == 1


NOBODY = 65534


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[WorkerProcess]:
    """As sessions really run."""
    promised = {"no_new_privileges": True, "capabilities": "0", "uid": NOBODY, "gid": NOBODY}
    frame = policy_frame(sandbox=promised)
    with WorkerProcess(tmp_path, frame, user=NOBODY) as worker:
        yield worker


def test_without_privileges_all_works(unprivileged: WorkerProcess) -> None:
    client = unprivileged.attach()
    assert client.run("sh", "-c", "id -u; sleep 600 & echo").stdout == b"65534\n\n"
    assert unprivileged.processes() == []
    id_, _ = client.start("sleep", "600")
    client.say("cancel", id=id_)
    assert client.collect().end.number("signal") == signal.SIGINT


def test_no_command_can_look_into_its_worker(unprivileged: WorkerProcess) -> None:
    """Though of the same user, which is enough for looking into another process of that user."""
    client = unprivileged.attach()
    probe = "head -c1 /proc/$P/maps >/dev/null 2>&1 && echo open || echo closed"
    assert client.run("sh", "-c", f"sleep 60 & P=$!; {probe}").stdout == b"open\n"
    assert client.run("sh", "-c", f"P=$PPID; {probe}").stdout == b"closed\n"


def test_the_kernel_takes_a_command_before_the_worker(unprivileged: WorkerProcess) -> None:
    client = unprivileged.attach()
    wait = "while [ $(cat /proc/self/oom_score_adj) != 500 ]; do sleep 0.01; done"
    assert client.run("sh", "-c", wait).end.number("status") == 0
    own = Path(f"/proc/{unprivileged.process.pid}/oom_score_adj")
    assert int(own.read_text()) < 500


# Cost


def test_cost(tmp_path: Path) -> None:
    """Start, memory and the round trip of `true`: printed; what must not grow is asserted."""
    with WorkerProcess(tmp_path, policy_frame()):
        pass  # the interpreter's cache of compiled modules is written
    # The same interpreter, as remitd is on every host: its pages are shared.
    sharing = [DEBIANS_PYTHON, "-IS", "-c", "open(0).read()"]
    with (
        subprocess.Popen(sharing, stdin=subprocess.PIPE),
        WorkerProcess(tmp_path, policy_frame()) as worker,
    ):
        client = worker.attach()
        client.run("true")
        times = sorted(_timed(client) for _ in range(50))
        memory = worker.memory()
        print(
            f"ready after {worker.ready_after * 1000:.0f} ms; PSS {memory} KiB; "
            f"true: median {times[25] * 1000:.1f} ms, least {times[0] * 1000:.1f} ms"
        )
        assert memory <= 10 * 1024
        assert worker.ready_after < 1


def _timed(client: Peer) -> float:
    began = time.perf_counter()
    assert client.run("true").end.number("status") == 0
    return time.perf_counter() - began
