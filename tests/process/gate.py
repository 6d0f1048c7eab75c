"""A real remit-gate in a process of its own, with a test on both sides of it.

The test is the client, over real TLS on TCP, and it stands for remitd too: `RemitdStandIn` listens
on a real unix socket and speaks the real wire with real descriptor passing, but what it says is
what the test tells it to. Tests with the real remitd are in tests/host.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from remit.gateway.settings import Settings
from remit.system import descriptors
from remit.wire.frame import HEADER, FrameReader
from remit.wire.message import Message, parse_message
from tests.tree import DEBIANS_PYTHON, SERVICE

PATIENCE = 20.0  # seconds for anything to happen
STARTER = Path(__file__).with_name("start_gate.py")


class Gate:
    """The process, its listening socket and what it has logged."""

    def __init__(self, directory: Path, settings: Settings, port: int = 0) -> None:
        self.settings = dataclasses.replace(
            settings,
            backend=str(directory / "gate.sock"),
            administrators=str(directory / "tls"),
            state=str(directory / "state"),
        )
        Path(self.settings.state).mkdir(exist_ok=True)
        self.listening = socket.create_server(("::", port), family=socket.AF_INET6,
                                              dualstack_ipv6=True)  # fmt: skip
        self.port: int = self.listening.getsockname()[1]
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(directory / "notify.sock"))
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._manager_heard: list[str] = []
        self.process = subprocess.Popen(
            [DEBIANS_PYTHON, "-ISB", str(STARTER), str(SERVICE), str(self.listening.fileno()),
             json.dumps(dataclasses.asdict(self.settings))],
            stderr=subprocess.PIPE, text=True, pass_fds=[self.listening.fileno()],
            env={"NOTIFY_SOCKET": self.manager.getsockname(), "WATCHDOG_USEC": "1000000"},
        )  # fmt: skip
        self._threads = [threading.Thread(target=t) for t in (self._listen, self._manage)]
        for each in self._threads:
            each.start()
        self.hear_manager("READY=1")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert "Traceback" not in self.log
        assert "a defect" not in self.log

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is not None:
            return self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.manager.sendto(b"", self.manager.getsockname())
        for each in self._threads:
            each.join(PATIENCE)
        self.listening.close()
        Path(self.manager.getsockname()).unlink()
        self.manager.close()
        assert self.process.stderr
        self.process.stderr.close()
        return status

    def wait_for(self, pattern: str, count: int = 1) -> str:
        """The log's line that matches, when there are `count` of them: the last."""

        def found() -> list[str]:
            return [line for line in self._lines if re.search(pattern, line)]  # fmt: skip

        with self._said:
            self._said.wait_for(lambda: len(found()) >= count, PATIENCE)
        assert len(found()) >= count, f"{pattern} not in:\n{self.log}"
        return found()[count - 1]

    def hear_manager(self, expected: str) -> None:
        """Wait for what the gate says to systemd."""
        with self._said:
            said = self._said.wait_for(lambda: expected in "".join(self._manager_heard), PATIENCE)
        assert said, f"{expected} not said; {self.log}"

    def open_descriptors(self) -> list[str]:
        """What the process's descriptors lead to, the event loop's own included."""
        found = []
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                found.append(os.readlink(link))
        return sorted(found)

    def resident(self, kind: str = "Pss") -> int:
        """Bytes of memory of the process."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(rf"^{kind}: +(\d+) kB", text, re.MULTILINE)
        assert found
        return int(found[1]) * 1024

    def tcp(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def connect(self) -> Client:
        """A client after its TLS handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return Client(context.wrap_socket(self.tcp()))

    def _manage(self) -> None:
        while heard := self.manager.recv(4096):
            with self._said:
                self._manager_heard.append(heard.decode())
                self._said.notify_all()

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._said:
                self._lines.append(line)
                self._said.notify_all()


class Side:
    """One end of a conversation, blocking with a time limit."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self.socket = connection
        self._reader = FrameReader()

    def say(self, type_: str, **fields: object) -> None:
        self.socket.sendall(Message(type_, **fields).encode())

    def hear(self, *expected: str) -> Message:
        """The next message, which must be of a type that is expected."""
        while (frame := self._reader.next_frame()) is None:
            data = self._receive()
            assert data, f"the gate closed where {expected} was expected"
            self._reader.feed(data)
        message = parse_message(frame)
        assert message.type in expected, f"{message.type} {message.fields}"
        return message

    def hear_failed(self, code: str) -> str:
        failed = self.hear("failed")
        assert failed.text("code") == code, failed.fields
        return failed.text("message")

    def hear_end(self) -> None:
        assert self._reader.next_frame() is None
        try:
            assert self._receive() == b""
        except ConnectionError:
            pass

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> bytes:
        return self.socket.recv(65536)


class Client(Side):
    """A user's end, over TLS."""

    def greet(self) -> None:
        self.say("hello", versions=[1], software="test")

    def expect_bytes(self, expected: bytes) -> None:
        """These raw bytes of a session's stream, exactly."""
        data = self._reader.take_rest()
        while len(data) < len(expected):
            piece = self._receive()
            assert piece, f"the gate closed after {len(data)} of {len(expected)} bytes"
            data += piece
        assert data == expected


class Host(Side):
    """remitd's end of one client's conversation; `accepted` is the client's socket."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._passed: list[int] = []
        self.hear("connection")
        self.accepted = socket.socket(fileno=self._passed.pop())

    def say_attached(self, *sockets: socket.socket) -> None:
        """Hand over the sockets and keep none."""
        data = Message("attached", session="5" * 32, endpoint="e").encode()
        sent = descriptors.send(self.socket, data, tuple(each.fileno() for each in sockets))
        assert sent == len(data)
        for each in sockets:
            each.close()

    def attach(self, client: Client) -> socket.socket:
        """Answer a request by a session; its end of the stream."""
        session, passed = socket.socketpair()
        session.settimeout(PATIENCE)
        self.say_attached(passed)
        client.hear("attached")
        return session

    def close(self) -> None:
        self.accepted.close()
        super().close()

    def _receive(self) -> bytes:
        data, passed = descriptors.receive(self.socket, 65536)
        self._passed += passed
        return data


class RemitdStandIn:
    """Listens where the gate looks for remitd."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(64)
        self._listening.settimeout(PATIENCE)

    def accept(self) -> Host:
        return Host(self._listening.accept()[0])

    def expect_nobody(self) -> None:
        """Nobody has connected so far."""
        self._listening.settimeout(0)
        try:
            self._listening.accept()[0].close()
        except BlockingIOError:
            self._listening.settimeout(PATIENCE)
        else:
            raise AssertionError("somebody connected to remitd")

    def greet(self, client: Client) -> Host:
        """The first exchange."""
        client.greet()
        host = self.accept()
        host.hear("hello")
        host.say("welcome", version=1, software="stand-in")
        client.hear("welcome")
        return host

    def admit(self, client: Client) -> Host:
        """A conversation with a user who has authenticated."""
        host = self.greet(client)
        client.say("authenticate", user="alice")
        host.hear("authenticate")
        host.say("prompt", style="secret", text="Password: ")
        client.hear("prompt")
        client.say("answer", text="secret")
        assert host.hear("answer").text("text") == "secret"
        host.say("authenticated", user="alice")
        client.hear("authenticated")
        return host

    def attach(self, client: Client) -> tuple[Host, socket.socket]:
        """A conversation with an attached session, and the session's end."""
        host = self.admit(client)
        client.say("open", endpoint="e", kept=False, attach=True)
        host.hear("open")
        return host, host.attach(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()


def raw_frame(body: bytes, kind: int = 1, length: int | None = None) -> bytes:
    """A frame that may be wrong in every way."""
    return HEADER.pack(len(body) if length is None else length, kind, 0, 0, 0) + body


def take(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer at the end."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def read_or_end(connection: socket.socket) -> bytes:
    """What comes next; nothing at the end, however it comes."""
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""
