"""Programs that run on a host or client: started, waited for and ended as a whole.

A `Place` knows how to get there; Host and Client are places. What runs there is a child of a chain
of sh, nsenter or ip, so ending a program means ending everything beneath that child.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

DEFAULT_TIMEOUT = 60.0

# What is ignored here would be ignored by a program that is started from here.
_WITH_SIGNALS = ("env", "--default-signal=INT")


class CommandFailed(AssertionError):
    """A program that should have succeeded did not; the message shows all that it said."""

    def __init__(self, done: subprocess.CompletedProcess[str], where: str) -> None:
        super().__init__(
            f"{done.args} on {where} ended with {done.returncode}\n"
            f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
        )
        self.done = done


class Program(subprocess.Popen[bytes]):
    """A program that runs at a place; signals go to it and all that it started."""

    def send_signal(self, sig: int) -> None:
        """Send a signal to the program proper: not to nsenter or ip, which wait for it."""
        for pid in descendants(self.pid) or [self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)

    def end(self) -> None:
        """Kill it if it still runs, collect it, close its pipes."""
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)
        self.wait(10)
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def __exit__(self, *problem: object) -> None:
        self.end()


class Place(ABC):
    """Somewhere to run programs."""

    name: str

    @abstractmethod
    def way(
        self, user: str | None, environment: Mapping[str, str], terminal: bool
    ) -> tuple[list[str], dict[str, str]]:
        """The words to put before a program, and its whole environment."""

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str | None = None,
        input: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, without a terminal; with `check` it has to succeed."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        given = input.encode() if isinstance(input, str) else input
        with self.start(argv, user=user, environment=environment, stdin=stdin) as program:
            out, err = program.communicate(given, timeout)
        done = subprocess.CompletedProcess(list(argv), program.returncode, _text(out), _text(err))
        if check and done.returncode:
            raise CommandFailed(done, self.name)
        return done

    def start(
        self,
        argv: Sequence[str],
        *,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        terminal: int | None = None,
    ) -> Program:
        """Start a program; use it as a context manager, which ends it.

        `terminal` is the descriptor of a pty's far side, which becomes its controlling terminal.
        """
        before, whole_environment = self.way(user, environment or {}, terminal is not None)
        if terminal is not None:
            stdin = stdout = stderr = terminal
        return Program(
            [*before, *argv],
            env=whole_environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=terminal is None,
        )

    def interact(self, argv: Sequence[str], *, user: str | None = None) -> int:
        """Let the person at this terminal use a program; returns its exit status."""
        before, environment = self.way(user, {"TERM": os.environ.get("TERM", "dumb")}, False)
        ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the program
        try:
            return subprocess.run([*_WITH_SIGNALS, *before, *argv], env=environment).returncode
        finally:
            signal.signal(signal.SIGINT, ignored)


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that these started; the youngest last."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _children(pid: int) -> Iterator[int]:
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return


def _text(output: bytes) -> str:
    return output.decode(errors="backslashreplace")
