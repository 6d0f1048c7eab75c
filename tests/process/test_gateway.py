"""remit-gate as a process: what it passes on, and that it passes on nothing else."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from remit.gateway.settings import Caps, Settings
from remit.system.certificate import read_fingerprint
from remit.wire.frame import DATA, MAX_CONTROL, MAX_DATA, Frame, encode_ack
from remit.wire.message import Message
from tests.process.gate import PATIENCE, Gate, RemitdStandIn, raw_frame
from tests.tree import SERVICE

MEGABYTE = 1024 * 1024


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


class TestRelay:
    def test_both_ways_and_back_to_control(self, gate: Gate, remitd: RemitdStandIn) -> None:
        up, down = os.urandom(MEGABYTE) * 200, os.urandom(MEGABYTE) * 200
        frames = b"".join(
            Frame(DATA, 1, 1, at, down[at : at + MAX_DATA]).encode()
            for at in range(0, len(down), MAX_DATA)
        )
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host, session:
                heard, sender = Digest(session, len(up)), sending(session, frames)
                said = exchange(client.socket, up, len(frames))
                sender.join(PATIENCE)
                assert heard.result() == hashlib.sha256(up).digest()
                assert said == hashlib.sha256(frames).digest()
                session.close()
                host.say("released", session="5" * 32, gone=True, reason="idle")
                assert client.hear("released").text("reason") == "idle"
                client.say("list")

    def test_a_session_that_dies_in_a_frame_leaves_the_stream_usable(
        self, gate: Gate, remitd: RemitdStandIn
    ) -> None:
        whole = Frame(DATA, 1, 1, 0, b"all of it").encode()
        torn = Frame(DATA, 1, 1, 9, b"x" * 100_000).encode()[:50_000]
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host:
                session.sendall(whole + torn)
                session.close()
                client.expect_bytes(whole)
                host.say("released", session="5" * 32, gone=True, reason="killed")
                client.hear("released")
                client.say("list")
                host.hear("list")

    def test_what_a_client_still_says_to_a_dead_session_is_dropped(
        self, gate: Gate, remitd: RemitdStandIn
    ) -> None:
        """It cannot know yet: an acknowledgement, input that was cut in two, a command."""
        data = Frame(DATA, 0, 1, 0, b"y" * 200_000).encode()
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host:
                client.socket.sendall(data[:70_007])
                assert take(session, 70_007) == data[:70_007]
                session.close()
                client.socket.sendall(data[70_007:] + encode_ack(1, 1, 9))
                client.say("run", id="2", argv=["df"], stdin=False)
                host.say("released", session="5" * 32, gone=True, reason="killed")
                client.hear("released")
                client.say("list")
                host.hear("list")

    def test_the_client_may_attach_again_and_again(self, gate: Gate, remitd: RemitdStandIn) -> None:
        with gate.connect() as client, remitd.admit(client) as host:
            for _ in range(5):
                client.say("attach", session="abcd")
                host.hear("attach")
                with host.attach(client) as session:
                    client.say("ping")
                    session.recv(100)
                    session.sendall(Message("pong").encode())
                    client.hear("pong")
                host.say("released", session="5" * 32, gone=False, reason="detached")
                client.hear("released")

    @pytest.mark.parametrize("how", ["close_notify", "end of TCP", "reset"])
    def test_the_clients_end_ends_the_session_stream(
        self, gate: Gate, remitd: RemitdStandIn, how: str
    ) -> None:
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host, session:
                client.say("run", id="1", argv=["sleep", "9"], stdin=False)
                session.recv(4096)
                leave(client.socket, how)
                assert session.recv(1) == b""
                host.hear_end()

    def test_a_slow_reader_stops_the_session_and_not_the_gate(
        self, gate: Gate, remitd: RemitdStandIn
    ) -> None:
        frame = Frame(DATA, 1, 1, 0, bytes(MAX_DATA)).encode()
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host, session:
                before = gate.resident()
                session.settimeout(1.0)
                sent = 0
                with suppress(TimeoutError):
                    while sent < 200 * MEGABYTE:
                        sent += session.send(frame[sent % len(frame) :])
                assert sent < 20 * MEGABYTE
                assert gate.resident() - before < 2 * MEGABYTE
                with gate.connect() as other, remitd.admit(other):
                    pass  # others are served meanwhile
                Digest(client.socket, sent - sent % len(frame)).result()

    def test_a_session_that_sends_no_frames_is_a_defect(
        self, gate: Gate, remitd: RemitdStandIn
    ) -> None:
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host, session:
                session.sendall(raw_frame(b"", kind=DATA, length=MAX_CONTROL + 1))
                client.hear_failed("internal")
                host.hear_end()
        gate.wait_for("<3>.*remitd's mistake: session: ")

    def test_sends_sessions_large_messages_on(self, gate: Gate, remitd: RemitdStandIn) -> None:
        large = Message("command-list", endpoint="e", commands=[{"x": "y" * 500_000}]).encode()
        with gate.connect() as client:
            host, session = remitd.attach(client)
            with host, session:
                sending(session, large).join(PATIENCE)
                client.expect_bytes(large)


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
        gate.process.send_signal(signal.SIGTERM)
        gate.hear_manager("STOPPING=1")
        assert gate.stop() == 0

    def test_needs_sockets_from_systemd(self) -> None:
        run = subprocess.run(
            [SERVICE / "bin" / "remit-gate"], capture_output=True, text=True, timeout=PATIENCE
        )
        assert run.returncode == 1
        assert run.stderr == "<3>no sockets; systemd starts it, by remit-gate.socket\n"


class Digest:
    """Reads so many bytes from a socket in a thread of its own."""

    def __init__(self, connection: socket.socket, size: int) -> None:
        self._hash = hashlib.sha256()
        self._left = size
        self._thread = threading.Thread(target=self._read, args=[connection])
        self._thread.start()

    def result(self) -> bytes:
        self._thread.join(PATIENCE * 3)
        assert not self._left, f"{self._left} bytes missing"
        return self._hash.digest()

    def _read(self, connection: socket.socket) -> None:
        while self._left and (data := connection.recv(min(self._left, MEGABYTE))):
            self._hash.update(data)
            self._left -= len(data)


def exchange(connection: socket.socket, outgoing: bytes, size: int) -> bytes:
    """Send and receive at the same time; the digest of `size` bytes. One thread: OpenSSL's
    connections are not for two."""
    connection.setblocking(False)
    rest, found = memoryview(outgoing), hashlib.sha256()
    while rest or size:
        ready = select.select([connection], [connection] if rest else [], [], PATIENCE)
        assert any(ready), f"{len(rest)} bytes to send and {size} to receive"
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            rest = rest[connection.send(rest[:MEGABYTE]) :] if rest else rest
        with suppress(ssl.SSLWantReadError):
            while size and (data := connection.recv(min(size, 65536))):
                found.update(data)
                size -= len(data)
    connection.settimeout(PATIENCE)
    return found.digest()


def take(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def sending(connection: socket.socket, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=connection.sendall, args=[data])
    thread.start()
    return thread


def leave(connection: socket.socket, how: str) -> None:
    assert isinstance(connection, ssl.SSLSocket)
    if how == "close_notify":
        connection.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            connection.unwrap()
    elif how == "end of TCP":
        connection.shutdown(socket.SHUT_WR)
    else:
        linger = b"\1\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()


def settled(gate: Gate, before: list[str]) -> None:
    """The gate gets to have nothing open but what it had; it closes a moment after its peers."""
    end = time.monotonic() + PATIENCE
    while (now := gate.open_descriptors()) != before:
        assert time.monotonic() < end, f"{before} became {now}"
        time.sleep(0.02)  # sleeps: /proc tells nobody when it changes
