"""What a scripted host is told to do, and the commands of its sessions."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from remit.wire.frame import ACK, CONTROL, DATA, STDERR, STDIN, STDOUT, Frame, FrameReader
from remit.wire.message import Message, parse_message

PATIENCE = 20.0
SESSION = "0123456789abcdef" * 2
# As the offset of an acknowledgement of input: nothing of it is wanted.
UNWANTED = 2**64 - 1


@dataclass
class Script:
    """How the host behaves; the defaults are those of a good one."""

    questions: tuple[tuple[str, str, str], ...] = (("secret", "Password: ", "secret"),)
    step: int = 1 << 20  # bytes of each write: odd ones cut frames anywhere
    before: bytes | None = None  # said in place of everything
    silent: bool = False  # accepts, and says nothing
    mute: bool = False  # the same, but it listens to TLS
    session: str = SESSION  # the id that the host gives every session
    sessions: list[dict[str, object]] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    acknowledged: dict[int, int] = field(default_factory=dict)
    received: bytearray = field(default_factory=bytearray)  # as input of a command
    news: threading.Condition = field(default_factory=threading.Condition)

    def note(self, message: Message) -> None:
        with self.news:
            self.heard.append(message)
            self.news.notify_all()

    def count(self, type_: str) -> int:
        """How many messages of that type have been heard."""
        return sum(message.type == type_ for message in self.heard)

    def wait_heard(self, type_: str, times: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.count(type_) >= times, PATIENCE)


class Peer:
    """One stream of frames, blocking."""

    def __init__(self, connection: socket.socket, script: Script) -> None:
        self.connection = connection
        self.script = script
        self._reader = FrameReader()
        self._frames: Iterator[Frame] = iter(())

    def say(self, type_: str, **fields: object) -> None:
        self.send(Message(type_, **fields).encode())

    def send(self, data: bytes) -> None:
        for start in range(0, len(data), self.script.step):
            self.connection.sendall(data[start : start + self.script.step])

    def frame(self) -> Frame:
        while True:
            frame = next(self._frames, None)
            if frame is not None:
                return frame
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            self._frames = self._reader.feed(data)

    def listen(self) -> None:
        """Until the other side has enough: EOFError."""
        while True:
            self.hear()

    def hear(self) -> Message:
        """The next message; what comes between is noted in the script."""
        while True:
            frame = self.frame()
            if frame.kind == ACK:
                self.script.acknowledged[frame.stream] = frame.offset
            elif frame.kind == DATA:
                self.script.received += frame.body
            if frame.kind == CONTROL:
                message = parse_message(frame)
                self.script.note(message)
                return message


class Run:
    """One command under way."""

    def __init__(self, peer: Peer, request: Message, channel: int) -> None:
        self.peer = peer
        self.id = request.text("id")
        self.argv = request.texts("argv")
        self.channel = channel
        self.sent = {STDOUT: 0, STDERR: 0}

    def start(self) -> None:
        self.peer.say("started", id=self.id, channel=self.channel)

    def write(self, stream: int, body: bytes) -> None:
        frame = Frame(DATA, stream, self.channel, self.sent[stream], body)
        self.sent[stream] += len(body)
        self.peer.send(frame.encode())

    def exit(self, **how: int) -> None:
        out, err = self.sent[STDOUT], self.sent[STDERR]
        self.peer.say("exited", id=self.id, channel=self.channel, stdout=out, stderr=err, **how)

    def fail(self, code: str, message: str) -> None:
        self.peer.say("failed", id=self.id, code=code, message=message)

    def acknowledge(self, offset: int) -> None:
        self.peer.send(Frame(ACK, STDIN, self.channel, offset).encode())


class Died(Exception):
    """The host goes away without a word."""


def _echo(run: Run) -> None:
    run.start()
    run.write(STDOUT, " ".join(run.argv[1:]).encode() + b"\n")
    run.exit(status=0)


def _both(run: Run) -> None:
    run.start()
    run.write(STDOUT, b"out\n")
    run.write(STDERR, b"err\n")
    run.exit(status=3)


def _bulk(run: Run) -> None:
    """COUNT bytes of a pattern without a short period, in frames of SIZE."""
    run.start()
    count, size = int(run.argv[1]), int(run.argv[2])
    while run.sent[STDOUT] < count:
        body = pattern(run.sent[STDOUT], min(size, count - run.sent[STDOUT]))
        run.write(STDOUT, body)
    run.exit(status=0)


def _cat(run: Run) -> None:
    run.start()
    disposed = 0
    while True:
        frame = run.peer.frame()
        if frame.kind == DATA:
            assert frame.offset == disposed
            if not frame.body:
                return run.exit(status=0)
            disposed += len(frame.body)
            run.write(STDOUT, frame.body)
            run.acknowledge(disposed)


def _wait(run: Run) -> None:
    """Until the COUNTth cancel."""
    run.start()
    run.write(STDOUT, b"waiting\n")
    for _ in range(int(run.argv[1])):
        while run.peer.hear().type != "cancel":
            pass
    run.exit(signal=2)


def _deaf(run: Run) -> None:
    """Wants no input."""
    run.start()
    run.acknowledge(UNWANTED)
    run.write(STDOUT, b"no input, thanks\n")
    while run.peer.hear().type != "cancel":
        pass
    run.exit(status=0)


def _mute(run: Run) -> None:
    run.start()
    run.peer.listen()


def _ponder(run: Run) -> None:
    """Says nothing for so many beats."""
    run.start()
    for _ in range(int(run.argv[1])):
        assert run.peer.hear().type == "ping"
        run.peer.say("pong")
    run.exit(status=0)


def _torn(run: Run) -> None:
    run.start()
    frame = Frame(DATA, STDOUT, run.channel, 0, b"all of it\n" * 10)
    run.peer.send(frame.encode()[:-7])
    raise Died


def _gap(run: Run) -> None:
    run.start()
    run.sent[STDOUT] = 5
    run.write(STDOUT, b"after a gap\n")
    run.exit(status=0)


def _end(run: Run) -> None:
    run.start()
    run.write(STDOUT, b"last words\n")
    run.peer.say("closing", reason="idle for 2h")
    raise EOFError


def _fail(run: Run) -> None:
    run.fail(run.argv[1], run.argv[2].replace("\\n", "\n"))


def _exit(run: Run) -> None:
    run.start()
    run.exit(**{run.argv[1]: int(run.argv[2])})


COMMANDS: dict[str, Callable[[Run], None]] = {
    "echo": _echo, "both": _both, "bulk": _bulk, "cat": _cat, "wait": _wait, "deaf": _deaf,
    "mute": _mute, "ponder": _ponder, "torn": _torn, "gap": _gap, "end": _end, "fail": _fail,
    "exit": _exit,
}  # fmt: skip


def pattern(offset: int, size: int) -> bytes:
    """Bytes that tell where in a stream they belong: 8-byte counters, cut anywhere."""
    first = offset // 8
    words = b"".join(n.to_bytes(8) for n in range(first, (offset + size) // 8 + 1))
    return words[offset - first * 8 :][:size]
