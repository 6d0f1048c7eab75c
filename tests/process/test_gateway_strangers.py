"""remit-gate and those who have not said who they are: what they may send, how long, how many."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from remit.gateway.settings import Caps, Deadlines, Settings
from remit.wire.frame import ACK, CONTROL, DATA, HEADER, MAX_STRANGER
from remit.wire.message import Message
from tests.process.gate import Gate, RemitdStandIn, raw_frame, read_or_end

SHORT = Deadlines(handshake=0.3, hello=0.3, authentication=0.9)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with Gate(tmp_path, Settings(caps=Caps(tolerated=1e9))) as started:
        yield started


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Gate]:
    """A gate that waits for nobody."""
    with Gate(tmp_path, Settings(deadlines=SHORT)) as started:
        yield started


def control(content: object) -> bytes:
    return raw_frame(json.dumps(content).encode())


HELLO = {"type": "hello", "versions": [1], "software": "x"}

BROKEN = {
    "too large": raw_frame(b"", length=MAX_STRANGER + 1),
    "as large as can be": raw_frame(b"", length=2**32 - 1),
    "data": raw_frame(b"x", kind=DATA),
    "an acknowledgement": raw_frame(b"", kind=ACK),
    "of unknown kind": raw_frame(b"{}", kind=9),
    "with a channel": HEADER.pack(2, CONTROL, 0, 7, 0) + b"{}",
    "empty": raw_frame(b""),
    "no JSON": raw_frame(b"hello"),
    "no UTF-8": raw_frame(b"\xff\xfe"),
    "no object": control([HELLO]),
    "nested deeply": raw_frame(b'{"type":' + b"[" * 4000 + b"]" * 4000 + b"}"),
    "of no type": control({}),
    "of unknown type": control({"type": "sudo"}),
    "not for the gate": Message("connection").encode(),
    "out of turn": Message("list").encode(),
    "the host's": Message("authenticated", user="root").encode(),
    "with a key twice": raw_frame(b'{"type":"hello","type":"hello"}'),
    "with a field too many": control({**HELLO, "more": 1}),
    "with a field too few": control({"type": "hello", "versions": [1]}),
    "with NaN": raw_frame(b'{"type":"hello","versions":[NaN],"software":"x"}'),
    "with a lone surrogate": raw_frame(b'{"type":"hello","versions":[],"software":"\\ud800"}'),
    "with too long a text": control({**HELLO, "software": "x" * 65}),
}


class TestFrames:
    @pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN.keys())
    def test_broken(self, gate: Gate, frame: bytes) -> None:
        with RemitdStandIn(gate.settings.backend) as remitd:
            with gate.connect() as client:
                client.socket.sendall(frame)
                client.hear_failed("protocol")
                client.hear_end()
            gate.wait_for(r"^<5>127\.0\.0\.1:\d+: it broke the protocol: ")
            remitd.expect_nobody()

    def test_a_client_that_goes_on_sending_still_hears_why(self, gate: Gate) -> None:
        with gate.connect() as client:
            client.socket.sendall(BROKEN["too large"] + bytes(300_000))
            client.hear_failed("protocol")

    def test_larger_ones_after_authentication_only(self, gate: Gate) -> None:
        large = control({"type": "attach", "session": "x" * MAX_STRANGER})
        with (
            RemitdStandIn(gate.settings.backend) as remitd,
            gate.connect() as client,
            remitd.admit(client),
        ):
            client.socket.sendall(large)
            assert "session is not" in client.hear_failed("protocol")

    @pytest.mark.parametrize("size", [0, 1, HEADER.size, HEADER.size + 5])
    def test_truncated(self, gate: Gate, size: int) -> None:
        """A frame that ends early is a client that has left."""
        with gate.connect() as client:
            client.socket.sendall(Message("list").encode()[:size])
        with gate.connect() as other:
            other.socket.sendall(BROKEN["empty"])
            other.hear_failed("protocol")
        gate.wait_for("broke the protocol")
        assert gate.log.count("broke the protocol") == 1

    def test_nothing_that_was_said_is_logged(self, gate: Gate) -> None:
        with RemitdStandIn(gate.settings.backend) as remitd, gate.connect() as client:
            host = remitd.greet(client)
            with host:
                client.socket.sendall(
                    control({"type": "authenticate", "user": "hunter2\x1b[2J" * 50})
                )
                client.hear_failed("protocol")
        assert "hunter2" not in gate.log
        assert "\x1b" not in gate.log


class TestTls:
    def test_refuses_an_older_one(self, gate: Gate) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with gate.tcp() as connection, pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            context.wrap_socket(connection)
        gate.wait_for("<5>127.0.0.1:.*older TLS, expected TLS 1.3")

    @pytest.mark.parametrize(
        ("said", "logged"),
        [
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it spoke plain HTTP"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "it did not speak TLS"),
            (raw_frame(json.dumps(HELLO).encode()), "TLS"),
        ],
        ids=["HTTP", "SSH", "our own protocol"],
    )
    def test_closes_what_is_no_tls(self, gate: Gate, said: bytes, logged: str) -> None:
        with gate.tcp() as connection:
            connection.sendall(said)
            answer = b"".join(iter(lambda: read_or_end(connection), b""))
            assert b"HTTP" not in answer
            assert len(answer) <= 7  # at most an alert
        gate.wait_for(f"<5>127.0.0.1:.*{logged}")
        assert gate.log.count("127.0.0.1") == 1

    def test_says_nothing_of_those_who_only_look(self, gate: Gate) -> None:
        """A port scan, or a load balancer that asks whether the port is open."""
        for said in (b"", b"\x16", b"\x16\x03\x01\x02\x00"):
            with gate.tcp() as connection:
                connection.sendall(said)
        with gate.connect() as client:
            client.socket.sendall(BROKEN["empty"])
            client.hear_failed("protocol")
        gate.wait_for("127.0.0.1")
        assert gate.log.count("127.0.0.1") == 1

    def test_new_keys_in_the_middle_of_a_conversation(self, gate: Gate) -> None:
        """openssl(1) asks for them when a line is K; Python cannot."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{gate.port}"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as client:
            assert client.stdin
            assert client.stdout
            for line in (b"K\n", b"k\n", b"K\n", raw_frame(b"[]")):
                client.stdin.write(line)
                client.stdin.flush()
                time.sleep(0.2)  # sleeps: openssl takes a command only if it reads it alone
            said = client.stdout.read()
        assert said.count(b"KEYUPDATE") == 3
        assert b'"code":"protocol"' in said


class TestDeadlines:
    def test_silence(self, hasty: Gate) -> None:
        with hasty.tcp() as connection:
            assert read_or_end(connection) == b""
        hasty.wait_for("<5>127.0.0.1:.*no TLS handshake in time")

    def test_one_byte_of_a_handshake_after_the_other(self, hasty: Gate) -> None:
        begun = time.monotonic()
        with hasty.tcp() as connection:
            for byte in b"\x16\x03\x01\x02\x00" + bytes(50):
                try:
                    connection.send(bytes([byte]))
                except ConnectionError:
                    break
                time.sleep(0.05)  # sleeps: being slow is the attack
            assert read_or_end(connection) == b""
        assert time.monotonic() - begun < 2

    def test_no_hello(self, hasty: Gate) -> None:
        with hasty.connect() as client:
            client.hear_failed("timeout")
            client.hear_end()
        hasty.wait_for("<5>127.0.0.1:.*not authenticated in time")

    def test_half_a_hello(self, hasty: Gate) -> None:
        with hasty.connect() as client:
            client.socket.sendall(control(HELLO)[:30])
            client.hear_failed("timeout")

    @pytest.mark.parametrize("state", ["greeted", "asked"])
    def test_not_authenticated(self, hasty: Gate, state: str) -> None:
        with (
            RemitdStandIn(hasty.settings.backend) as remitd,
            hasty.connect() as client,
            remitd.greet(client) as host,
        ):
            if state == "asked":
                client.say("authenticate", user="alice")
                host.hear("authenticate")
                host.say("prompt", style="secret", text="Password: ")
                client.hear("prompt")
            client.hear_failed("timeout")
            host.hear_end()

    def test_none_after_authentication(self, hasty: Gate) -> None:
        with (
            RemitdStandIn(hasty.settings.backend) as remitd,
            hasty.connect() as client,
            remitd.admit(client) as host,
        ):
            time.sleep(1.2)  # sleeps: longer than every deadline of a stranger
            client.say("list")
            host.hear("list")

    def test_slow_ones_keep_nobody_waiting(self, gate: Gate) -> None:
        with ExitStack() as slow:
            for number in range(7):
                connection = slow.enter_context(gate.tcp())
                connection.send(b"\x16\x03\x01"[: number % 4])
            with RemitdStandIn(gate.settings.backend) as remitd, gate.connect() as client:
                remitd.admit(client).close()
