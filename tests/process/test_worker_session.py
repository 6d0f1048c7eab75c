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
    for _ in range(1100):
        client.say("run", id=f"x{_}", argv=["no-such"], stdin=False)
        client.hear("failed")
    worker.monitor = worker.connect(Message("monitor"))
    worker.monitor.hear("ready")
    count = 0
    while (message := worker.monitor.hear()).fields["event"] == "refused":
        count += 1
    lost = str(message.table("fields")["reason"])
    assert message.fields["event"] == "defect"
    assert int(lost.split()[0]) + count >= 1100
    assert count <= 1000


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
