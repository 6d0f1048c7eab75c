"""The real worker as a real process: started as by systemd, spoken to as by remitd and clients.

Owns its socket, its delegated control group and the process; leaves none of them behind.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from remit.policy.command import Command, Policy, Role
from remit.policy.parameter import parse_parameter
from remit.system.cgroup import find_own
from remit.wire.frame import (
    CONTROL,
    DATA,
    MAX_DATA,
    MAX_POLICY,
    STDERR,
    STDIN,
    STDOUT,
    Frame,
    FrameReader,
    encode_ack,
)
from remit.wire.message import Message, parse_message
from tests.tree import SERVICE

MEBIBYTE = 1 << 20
PATIENCE = 20.0  # seconds after which a silent peer is a failed test

_numbers = itertools.count()

# As systemd hands a socket over: descriptor 3, the variables, and the unit's control group.
_START = """
echo $$ >"$1/cgroup.procs" && export LISTEN_PID=$$ LISTEN_FDS=1 && exec 3<&"$3" || exit
[ "$4" = 0 ] && exec "$2"
exec setpriv --reuid "$4" --regid "$4" --clear-groups --no-new-privs --bounding-set=-all "$2"
"""

COMMANDS = [
    Command("true", "/usr/bin/true", ("",)),
    Command("echo", "/usr/bin/echo", ("[TEXT...]",), insert=("said:",)),
    Command("sh", "/bin/sh", ("-c TEXT",)),
    Command("cat", "/usr/bin/cat", ("",), stdin=True),
    Command("deaf", "/usr/bin/cat", ("",)),
    Command("sleep", "/usr/bin/sleep", ("SECONDS",)),
    Command("zeros", "/usr/bin/head", ("-c SECONDS",), append=("/dev/zero",)),
    Command("nowhere", "/usr/bin/no-such-program", ("",)),
    Command("notes", "/etc/passwd", ("",)),
    Command("brief", "/usr/bin/sleep", ("SECONDS",), timeout=1),
    Command("env", "/usr/bin/env", ("",), environment={"OWN": "yes"}, directory="/usr"),
    Command("id", "/usr/bin/id", ("USER",)),
    Command("ls", "/usr/bin/ls", ("PATH",)),
    Command("ls-there", "/usr/bin/ls", ("PATH",), directory="/usr"),
]
PARAMETERS: dict[str, dict[str, object]] = {
    "TEXT": {"any": True},
    "SECONDS": {"integer": [0, 10**12]},
    "USER": {"user": {"min_uid": 0}},
    "PATH": {"path": ["/usr/lib"], "is": "directory"},
}


def policy() -> Policy:
    parameters = {name: parse_parameter(name, table) for name, table in PARAMETERS.items()}
    commands = {command.name: command for command in COMMANDS}
    for command in COMMANDS:
        command.role = "tester"
    fields = {"caller": "ann", "uid": "1", "home": "/", "endpoint": "test", "session": "0"}
    return Policy("test", "command", (Role("tester", parameters, commands),), fields)


def policy_frame(**changes: object) -> Message:
    """What remitd sends first; a sandbox that promises nothing unless told otherwise."""
    fields: dict[str, object] = {
        "session": "0" * 32,
        "policy": policy().to_json(),
        "sandbox": {},
        "environment": {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        "directory": "/",
        "idle_timeout": 7200,
        "grace": 2,
        "buffer": 8 << 20,
        "when_full": "block",
        "kept": False,
    }
    return Message("policy", **{**fields, **changes})


class Outcome:
    """What one command came to, as its client saw it."""

    def __init__(self) -> None:
        self.streams = {STDOUT: bytearray(), STDERR: bytearray()}
        self.last: Message | None = None

    @property
    def stdout(self) -> bytes:
        return bytes(self.streams[STDOUT])

    @property
    def stderr(self) -> bytes:
        return bytes(self.streams[STDERR])

    @property
    def end(self) -> Message:
        assert self.last is not None
        return self.last


class Peer:
    """One connection to the worker, blocking."""

    def __init__(self, path: Path, first: Message | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self._reader = FrameReader(MAX_POLICY)
        self._frames: list[Frame] = []
        if first is not None:
            self.send(first)

    def send(self, message: Message) -> None:
        self.socket.sendall(message.encode())

    def say(self, type_: str, **fields: object) -> None:
        self.send(Message(type_, **fields))

    def frame(self) -> Frame | None:
        """The next frame; None at the end of the stream."""
        while not self._frames:
            data = self.socket.recv(1 << 20)
            if not data:
                return None
            self._frames.extend(self._reader.feed(data))
        return self._frames.pop(0)

    def frames(self) -> Iterator[Frame]:
        while (frame := self.frame()) is not None:
            yield frame

    def hear(self, type_: str = "") -> Message:
        """The next control message, which is of this type; frames of other kinds are skipped."""
        for frame in self.frames():
            if frame.kind == CONTROL:
                message = parse_message(frame)
                assert not type_ or message.type == type_, (message.type, message.fields)
                return message
        raise AssertionError(f"the stream ended instead of {type_ or 'a message'}")

    def wait_for(self, type_: str, accept: Callable[[Message], bool] = lambda _: True) -> Message:
        """The next message of this type that is acceptable; others are skipped."""
        while True:
            message = self.hear()
            if message.type == type_ and accept(message):
                return message

    def hear_end(self) -> None:
        assert self.frame() is None

    def start(self, *argv: str, id_: str = "", stdin: bool = False) -> tuple[str, int]:
        """Run a command; its id and channel once it has started."""
        id_ = id_ or f"r{next(_numbers)}"
        self.say("run", id=id_, argv=list(argv), stdin=stdin)
        return id_, self.hear("started").number("channel")

    def run(self, *argv: str, id_: str = "") -> Outcome:
        """Run a command to its end and confirm all of it, as a client does."""
        id_ = id_ or f"r{next(_numbers)}"
        self.say("run", id=id_, argv=list(argv), stdin=False)
        return self.collect()

    def collect(self, outcome: Outcome | None = None, confirm: bool = True) -> Outcome:
        """All of a command until `exited` or `failed`; offsets must join without a gap."""
        outcome = outcome or Outcome()
        for frame in self.frames():
            if frame.kind == DATA:
                stream = outcome.streams[frame.stream]
                assert frame.offset == len(stream)
                stream += frame.body
                if confirm and len(stream) % (1 << 20) < len(frame.body):
                    self.acknowledge(frame.channel, frame.stream, len(stream))
            elif frame.kind == CONTROL:
                outcome.last = parse_message(frame)
                if outcome.last.type in ("exited", "failed"):
                    break
        if confirm and outcome.end.type == "exited":
            self.confirm(outcome.end)
        return outcome

    def confirm(self, exited: Message) -> None:
        for stream, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
            self.acknowledge(exited.number("channel"), stream, exited.number(name))

    def acknowledge(self, channel: int, stream: int, offset: int) -> None:
        self.socket.sendall(encode_ack(stream, channel, offset))

    def feed(self, channel: int, offset: int, data: bytes) -> None:
        """Input for a command; b"" is its end."""
        self.socket.sendall(Frame(DATA, STDIN, channel, offset, data).encode())

    def close(self) -> None:
        self.socket.close()


class WorkerProcess:
    """A worker; with a policy it is ready when this returns."""

    def __init__(
        self,
        directory: Path,
        policy: Message | None = None,
        environment: Mapping[str, str] | None = None,
        user: int = 0,
    ) -> None:
        """`user`: another than root runs it without privileges, in a group delegated to it."""
        self.path = directory / f"worker-{next(_numbers)}.sock"
        self.cgroup = Path(find_own()) / f"remit-test-{os.getpid()}-{next(_numbers)}"
        self.cgroup.mkdir()
        for name in (".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(self.cgroup / name, user, user)
        self.started = time.monotonic()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self.path))
            listening.listen()
            self._start(listening.fileno(), environment or {}, user)
        self._peers: list[Peer] = []
        self.monitor = self.connect(policy)
        try:
            self.monitor.hear("ready") if policy is not None else None
        except BaseException as error:
            self.monitor.close()
            raise AssertionError(f"no session: {self._end()}") from error
        self.ready_after = time.monotonic() - self.started

    def _start(self, listening: int, environment: Mapping[str, str], user: int) -> None:
        program = str(SERVICE / "bin" / "remit-worker")
        arguments = [str(self.cgroup), program, str(listening), str(user)]
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", _START, "bash", *arguments],
            env={"PATH": "/usr/bin:/bin", **environment},
            pass_fds=[listening],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def attach(self, attachment: str = "a") -> Peer:
        """A client's connection, attached."""
        user = {"user": "ann", "peer": "192.0.2.1"}
        return self.connect(Message("client", attachment=attachment, **user))

    def connect(self, first: Message | None = None) -> Peer:
        """A connection, as remitd makes one; closed with the worker."""
        peer = Peer(self.path, first)
        self._peers.append(peer)
        return peer

    def state(self, **expected: object) -> dict[str, object]:
        """The next state of the session that is as expected."""
        return self.monitor.wait_for(
            "state", lambda m: expected.items() <= m.table("state").items()
        ).table("state")

    def event(self, name: str) -> dict[str, object]:
        """The fields of the next event of this name."""
        return self.monitor.wait_for("event", lambda m: m.text("event") == name).table("fields")

    def memory(self, field: str = "Pss") -> int:
        """Kibibytes of the worker alone."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if field + ":" in line)

    def groups(self) -> set[str]:
        """The control groups beneath the session's own."""
        return {path.name for path in self.cgroup.iterdir() if path.is_dir()}

    def processes(self) -> list[int]:
        """Everything that runs in the session but the worker."""
        found = [_read(path).split() for path in self.cgroup.rglob("cgroup.procs")]
        return [int(pid) for pids in found for pid in pids if int(pid) != self.process.pid]

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Fails if a worker that was to live has died, or wrote a word to its standard error."""
        lived = self.process.poll() is None
        self.process.send_signal(signal.SIGTERM) if lived else None
        for peer in self._peers:
            peer.close()
        status = self.process.wait(PATIENCE)
        left = self.processes(), self.groups()
        errors = self._end()
        if error is None:
            assert left == ([], set()), left
            assert status == 0 or not lived, status
            assert not errors or not lived, errors

    def _end(self) -> str:
        """Leave nothing; what the worker has written to its standard error."""
        (self.cgroup / "cgroup.kill").write_text("1")
        _, errors = self.process.communicate()
        self._remove()
        return errors.decode()

    def _remove(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while b"populated 1" in (self.cgroup / "cgroup.events").read_bytes():
            assert time.monotonic() < deadline, "processes survive cgroup.kill"
            time.sleep(0.01)  # sleeps: the kernel is killing, and nothing waits for a whole group
        for path in sorted(self.cgroup.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else None
        self.cgroup.rmdir()


def _read(processes: Path) -> str:
    """Nothing in a threaded group: the group above it has its processes."""
    try:
        return processes.read_text()
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return ""


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Data cut into frames, each with its offset."""
    for offset in range(0, len(data), MAX_DATA):
        yield offset, data[offset : offset + MAX_DATA]


def settle(peer: Peer) -> None:
    """Wait until what was sent has been read: an answer comes after it."""
    peer.say("ping")
    peer.wait_for("pong")
