"""remit-gate as a process: what it passes on, and that it passes on nothing else."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.gateway.settings import Caps, Settings
from remit.system.fingerprint import read_fingerprint
from remit.wire.frame import DATA, MAX_CONTROL, Frame
from remit.wire.message import Message
from tests.process.gate import PATIENCE, Gate, RemitdStandIn, raw_frame, take
from tests.tree import SERVICE


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(tmp_path, Settings()) as started:
        yield started


@pytest.fixture
def remitd(gate: Gate) -> Iterator[RemitdStandIn]:
    with RemitdStandIn(gate.settings.backend) as stand_in:
        yield stand_in


class TestConversation:
    def test_passes_a_whole_conversation_on(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.admit(client) as host:
            client.say("endpoints")
            host.hear("endpoints")
            large = [{"name": "x" * 1000} for _ in range(400)]
            host.say("endpoint-list", endpoints=large)
            assert client.hear("endpoint-list").tables("endpoints") == large
            client.say("goodbye")
            host.hear("goodbye")
            client.hear_end()
            host.hear_end()

    def test_remitd_gets_the_clients_own_socket(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.greet(client) as host:
            assert host.accepted.getpeername()[1] == client.socket.getsockname()[1]
            tcp = socket.IPPROTO_TCP
            assert host.accepted.getsockopt(tcp, socket.TCP_NODELAY)
            assert host.accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert host.accepted.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 45_000

    def test_remitd_hears_nothing_before_hello(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client:
            client.socket.sendall(raw_frame(b'{"type"', length=100))
            with gate.connect() as other, remitd.greet(other):
                remitd.expect_nobody()

    def test_a_client_may_send_ahead(self, gate: Gate, remitd: RemitdStandIn) -> None:
        """hello, authenticate and a first command in one flight, to save round trips."""
        run = Message("run", id="1", argv=["uptime"], stdin=False).encode()
        with gate.connect() as client:
            client.greet()
            client.say("authenticate", user="alice")
            client.say("open", endpoint="e", kept=False, attach=True)
            client.socket.sendall(run)
            with remitd.accept() as host:
                host.hear("hello")
                host.say("welcome", version=1, software="stand-in")
                host.hear("authenticate")
                host.say("authenticated", user="alice")
                host.hear("open")
                client.hear("welcome")
                client.hear("authenticated")
                with host.attach(client) as session:
                    assert take(session, len(run)) == run

    def test_the_end_of_a_client_ends_remitds_side(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.admit(client) as host:
            client.say("list")
            host.hear("list")
            client.close()
            host.hear_end()

    def test_too_many_tries_end_quietly(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.greet(client) as host:
            client.say("authenticate", user="mallory")
            host.hear("authenticate")
            host.say("failed", code="denied", message="no")
            host.close()
            client.hear_failed("denied")
            client.hear_end()
        assert "unavailable" not in gate.log


class TestRemitd:
    """What remitd does wrong, or does no more."""

    def test_missing(self, gate: Gate) -> None:
        with gate.connect() as client:
            client.greet()
            client.hear_failed("unavailable")
            client.hear_end()
        gate.wait_for("<4>127.0.0.1:.*unavailable")

    def test_dies_before_welcome(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client:
            client.greet()
            remitd.accept().close()
            client.hear_failed("unavailable")

    @pytest.mark.parametrize("state", ["greeted", "asked", "ready", "working"])
    def test_dies_in_a_conversation(self, gate: Gate, remitd: RemitdStandIn, state: str) -> None:
        with gate.connect() as client:
            host = remitd.greet(client) if state in ("greeted", "asked") else remitd.admit(client)
            if state == "asked":
                client.say("authenticate", user="alice")
                host.hear("authenticate")
                host.say("prompt", style="secret", text="Password: ")
                client.hear("prompt")
            if state == "working":
                client.say("list")
                host.hear("list")
            host.close()
            client.hear_failed("unavailable")
            client.hear_end()

    def test_dies_while_a_session_is_attached(self, gate: Gate, remitd: RemitdStandIn) -> None:
        """The session goes on: remitd may be restarted at any time."""
        with gate.connect() as client:
            host, session = remitd.attach(client)
            host.close()
            with session:
                client.say("ping")
                session.recv(100)
                session.sendall(Message("pong").encode())
                client.hear("pong")
            client.hear_failed("unavailable")

    @pytest.mark.parametrize(
        "answer",
        [
            Message("welcome", version=1, software="x").encode(),
            raw_frame(b"\xff"),
            raw_frame(b"", length=MAX_CONTROL + 1),
            raw_frame(b"x", kind=DATA),
        ],
        ids=["out of turn", "no JSON", "too large", "data"],
    )
    def test_breaks_the_protocol(self, gate: Gate, remitd: RemitdStandIn, answer: bytes) -> None:
        with gate.connect() as client, remitd.admit(client) as host:
            client.say("list")
            host.hear("list")
            host.socket.sendall(answer)
            client.hear_failed("internal")
            client.hear_end()
        gate.wait_for("<3>127.0.0.1:.*remitd's mistake")

    @pytest.mark.parametrize("count", [0, 2, 5])
    def test_passes_the_wrong_number_of_descriptors(
        self, gate: Gate, remitd: RemitdStandIn, count: int
    ) -> None:
        before = gate.open_descriptors()
        with gate.connect() as client, remitd.admit(client) as host:
            client.say("attach", session="abcd")
            host.hear("attach")
            host.say_attached(*(socket.socket() for _ in range(count)))
            client.hear_failed("internal")
            client.hear_end()
        settled(gate, before)

    def test_passes_something_else_than_a_session(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.admit(client) as host:
            client.say("attach", session="abcd")
            host.hear("attach")
            host.say_attached(socket.socket(socket.AF_INET))
            client.hear_failed("internal")


class TestProcess:
    def test_makes_its_certificate_once(self, tmp_path: Path) -> None:
        with Gate(tmp_path, Settings()) as gate, gate.connect() as client:
            state = Path(gate.settings.state)
            assert (state / "key.pem").stat().st_mode & 0o777 == 0o600
            shown = gate.wait_for("serving").split()[-1]
            assert isinstance(client.socket, ssl.SSLSocket)
            assert client.socket.version() == "TLSv1.3"
            assert shown == read_fingerprint(str(state / "cert.pem"))
        with Gate(tmp_path, Settings()) as again:
            assert again.wait_for("serving").split()[-1] == shown

    def test_descriptors_do_not_grow(self, tmp_path: Path) -> None:
        """200 connections that end in every way there is."""
        settings = Settings(caps=Caps(tolerated=1e9))
        with Gate(tmp_path, settings) as gate, RemitdStandIn(gate.settings.backend) as remitd:
            before = gate.open_descriptors()
            for number in range(200):
                with gate.connect() as client:
                    if number % 4 == 0:
                        continue
                    if number % 4 == 1:
                        remitd.greet(client).close()
                        continue
                    host, session = remitd.attach(client)
                    with host, session:
                        session.sendall(Frame(DATA, 1, 1, 0, bytes(999)).encode()[: number * 7])
            settled(gate, before)

    def test_stops_at_once_with_relays_running(self, tmp_path: Path) -> None:
        with (
            Gate(tmp_path, Settings()) as gate,
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as client,
        ):
            host, session = remitd.attach(client)
            with host, session:
                assert gate.stop() == 0
                assert session.recv(1) == b""
                client.hear_end()

    def test_tells_systemd_how_it_does(self, gate: Gate, remitd: RemitdStandIn) -> None:
        gate.hear_manager("WATCHDOG=1")
        assert gate.stop() == 0
        gate.hear_manager("STOPPING=1")

    def test_needs_sockets_from_systemd(self) -> None:
        run = subprocess.run(
            [SERVICE / "bin" / "remit-gate"], capture_output=True, text=True, timeout=PATIENCE
        )
        assert run.returncode == 1
        assert run.stderr == "<3>no sockets; systemd starts it, by remit-gate.socket\n"


def settled(gate: Gate, before: list[str]) -> None:
    """The gate gets to have nothing open but what it had; it closes a moment after its peers."""
    end = time.monotonic() + PATIENCE
    while (now := gate.open_descriptors()) != before:
        assert time.monotonic() < end, f"{before} became {now}"
        time.sleep(0.02)  # sleeps: /proc tells nobody when it changes
