"""remit-gate as a relay: a session's bytes both ways, whole, and the way back to control."""

from __future__ import annotations

import hashlib
import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from remit.gateway.settings import Settings
from remit.wire.frame import DATA, MAX_CONTROL, MAX_DATA, Frame, encode_ack
from remit.wire.message import Message
from tests.process.gate import PATIENCE, Gate, RemitdStandIn, raw_frame, take

MEGABYTE = 1024 * 1024


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(tmp_path, Settings()) as started:
        yield started


@pytest.fixture
def remitd(gate: Gate) -> Iterator[RemitdStandIn]:
    with RemitdStandIn(gate.settings.backend) as stand_in:
        yield stand_in


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
