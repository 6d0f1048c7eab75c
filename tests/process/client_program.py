"""The client as a process: without a terminal, or with a person at one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from pathlib import Path

from tests.tree import SERVICE

PROGRAM = str(SERVICE / "bin" / "remit")
PATIENCE = 20.0


class Client:
    """A user's surroundings: his files and environment."""

    def __init__(self, directory: Path) -> None:
        self.known_hosts = directory / "config" / "known_hosts"
        self.password_file = directory / "password"
        self.password_file.write_text("secret\n")
        self.password_file.chmod(0o600)
        self.environment = {
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "REMIT_KNOWN_HOSTS": str(self.known_hosts),
            "REMIT_PASSWORD_FILE": str(self.password_file),
            "REMIT_SOCKET": str(directory / "local.sock"),
            "REMIT_USER": "ann",
        }

    def know(self, port: int, fingerprint: str) -> None:
        """Pin the host at that port of 127.0.0.1, and make the port the default."""
        self.environment["REMIT_PORT"] = str(port)
        self.known_hosts.parent.mkdir(exist_ok=True)
        self.known_hosts.write_text(f"127.0.0.1:{port} {fingerprint}\n")

    def run(
        self, *words: str, stdin: bytes | None = None, **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """To the end, where no terminal is to be found."""
        return subprocess.run(
            [PROGRAM, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=self.environment | environment,
            timeout=PATIENCE,
            start_new_session=True,
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Pipes at all three."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [PROGRAM, *words], stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment,
            start_new_session=True,
        )  # fmt: skip

    def sit_down(self, *words: str) -> Person:
        return Person([PROGRAM, *words], self.environment)


class Person:
    """Someone at a terminal of his own, on which the program runs. `seen` is all it has shown."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._terminal, theirs = pty.openpty()
        self._settings = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.seen = ""
        self._position = 0
        self.program = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        )  # fmt: skip

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self._terminal)
        os.close(self._theirs)

    def expect(self, text: str) -> None:
        """Read until that has been shown, after what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while (place := self.seen.find(text, self._position)) < 0:
            self._read(deadline, text)
        self._position = place + len(text)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def leave(self) -> int:
        """The exit status; everything shown is in `seen`."""
        status = self.program.wait(PATIENCE)
        while select.select([self._terminal], [], [], 0)[0]:
            self.seen += os.read(self._terminal, 4096).decode()
        return status

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def is_as_before(self) -> bool:
        """Whether the terminal's settings are those of the start."""
        return termios.tcgetattr(self._theirs) == self._settings

    def _read(self, deadline: float, text: str) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
            raise AssertionError(f"no {text!r} in {self.seen!r}")
        self.seen += os.read(self._terminal, 4096).decode()
