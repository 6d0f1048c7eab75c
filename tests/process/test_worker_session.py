"""The worker as a session: who is attached, how long it lives, what remitd and systemd hear."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest

from remit.wire.message import Message
from tests.process.worker_process import (
    PATIENCE,
    Peer,
    WorkerProcess,
    policy_frame,
    settle,
)

# Who is attached, and how long it lives


def test_detach_keeps_and_attach_finds(worker: WorkerProcess, client: Peer) -> None:
    assert worker.state(attached="a")["kept"] is False
    client.say("detach")
    client.hear("detached")
    client.hear_end()
    client.close()
    state = worker.state(attached="")
    assert state["kept"] is True
    assert state["expires"] == pytest.approx(time.time() + 7200, abs=5)
    again = worker.attach("b")
    assert worker.state(attached="b")["expires"] == 0
    assert again.run("true").end.number("status") == 0


def test_a_lost_client_has_four_minutes(worker: WorkerProcess, client: Peer) -> None:
    client.run("true")
    settle(client)
    client.close()
    state = worker.state(attached="", running="")
    assert state["kept"] is False
    assert state["expires"] == pytest.approx(time.time() + 240, abs=5)


def test_idling_ends_a_kept_session(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, policy_frame(kept=True, idle_timeout=1)) as worker:
        client = worker.attach()
        time.sleep(1.5)  # sleeps: attached, it must not idle away
        client.start("sleep", "2", id_="nap")
        client.say("detach")
        worker.state(attached="")
        time.sleep(1.5)  # sleeps: a command runs, it must not idle away
        assert worker.process.poll() is None
        assert worker.monitor.wait_for("ending").text("reason") == "idle for 1s"
        assert worker.wait() == 0


def test_another_client_replaces_the_first(worker: WorkerProcess, client: Peer) -> None:
    client.start("sh", "-c", "sleep 0.3; echo for whom", id_="shared")
    second = worker.attach("b")
    failed = client.hear("failed")
    assert failed.fields["code"] == "attached"
    client.hear_end()
    second.hear("started")
    assert second.collect().stdout == b"for whom\n"


# remitd


def test_a_lost_monitor_misses_nothing(worker: WorkerProcess, client: Peer) -> None:
    settle(client)
    worker.monitor.close()
    assert client.run("echo", "meanwhile").stdout == b"said: meanwhile\n"
    worker.monitor = worker.connect(Message("monitor"))
    state = worker.monitor.hear("ready").table("state")
    assert (state["attached"], state["user"], state["peer"]) == ("a", "ann", "192.0.2.1")
    event = worker.event("allowed")
    assert event["command"] == "/usr/bin/echo said: meanwhile"
    now = time.time_ns() // 1000
    assert isinstance(event["time"], int)
    assert now - 10_000_000 < event["time"] < now
    assert worker.event("exited")["reason"] == "status 0"


def test_waiting_events_are_bounded_and_counted(worker: WorkerProcess, client: Peer) -> None:
    settle(client)
    worker.monitor.close()
    for number in range(10):
        assert client.run(f"no-such-{number}").end.type == "failed"
    for _ in range(500):  # each is allowed and has exited: 1000, for which what was refused goes
        assert client.run("true").end.number("status") == 0
    settle(client)
    worker.monitor = worker.connect(Message("monitor"))
    worker.monitor.hear("ready")
    first = worker.monitor.hear("event")
    assert first.fields["event"] == "defect"
    lost = int(str(first.table("fields")["reason"]).split()[0])
    told = [str(worker.monitor.hear("event").fields["event"]) for _ in range(1000)]
    assert (told.count("allowed"), told.count("exited")) == (500, 500)
    assert lost >= 10


def test_a_client_waits_for_a_remitd_that_does_not_read(
    worker: WorkerProcess, client: Peer
) -> None:
    """It is there and takes nothing: nothing more happens, and afterwards all is told."""
    client.socket.settimeout(1.0)
    done = 0
    while _is_answered(client, f"w{done}"):
        done += 1
        assert done < 5000
    client.socket.settimeout(PATIENCE)
    told = 0
    while told < done:
        told += worker.monitor.wait_for("event").fields["event"] == "allowed"
    assert client.collect().end.fields["id"] == f"w{done}"


def _is_answered(client: Peer, id_: str) -> bool:
    try:
        return client.run("true", id_=id_).end.number("status") == 0
    except TimeoutError:
        return False


def test_refusals_are_told_up_to_a_limit_and_counted(worker: WorkerProcess, client: Peer) -> None:
    began = time.monotonic()
    for _ in range(60):
        assert client.run("no-such").end.fields["code"] == "unknown-command"
    assert time.monotonic() - began > 1.5  # 40 of them, 50 ms apart
    assert client.run("true").end.number("status") == 0
    client.say("close")
    client.wait_for("closing")
    client.close()
    told = []
    while (message := worker.monitor.hear()).type != "ending":
        if message.type == "event":
            fields = message.table("fields")
            told.append((message.fields["event"], fields.get("command")))
    assert told.count(("refused", "no-such")) == 20
    assert told.count(("refused", "(40 more)")) == 1
    assert ("allowed", "/usr/bin/true") in told
    worker.monitor.close()
    assert worker.wait() == 0


def test_systemd_is_told(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(PATIENCE)
        environment = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "400000"}
        with WorkerProcess(tmp_path, policy_frame(), environment) as worker:
            assert manager.recv(100) == b"READY=1"
            began = time.monotonic()
            assert [manager.recv(100) for _ in range(4)] == [b"WATCHDOG=1"] * 4
            assert 0.4 < time.monotonic() - began < 1.2
            environ = Path(f"/proc/{worker.process.pid}/environ")
            assert environ.exists()
            worker.process.send_signal(signal.SIGTERM)
            assert worker.wait() == 0


def test_no_policy_no_service(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path) as worker:
        early = worker.attach()
        assert early.hear("failed").fields["code"] == "protocol"
        worker.monitor.send(policy_frame())
        worker.monitor.hear("ready")
