"""Somebody who uses remit: an account on a host, and a client machine that trusts it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.program import Program

REMIT = str(Path(__file__).parents[2] / "service" / "bin" / "remit")
PASSWORD = "correct horse battery"
PORT = 8622


class Person:
    """A user of a host, outside on a client machine and inside on the host itself."""

    def __init__(self, host: Host, client: Client, name: str, password: str = PASSWORD) -> None:
        self.host = host
        self.client = client
        self.name = name
        self.password_file = client.home / f"password-{name}"
        self.write_password(password)

    def write_password(self, password: str) -> None:
        self.password_file.write_text(password + "\n")
        self.password_file.chmod(0o600)

    def trust(self) -> None:
        """Pin the host's certificate by the fingerprint that root sees on the host."""
        self.remit("trust", self.host.address, "--fingerprint", fingerprint_of(self.host))

    def environment(self) -> dict[str, str]:
        return {"REMIT_USER": self.name, "REMIT_PASSWORD_FILE": str(self.password_file)}

    def remit(
        self,
        *words: str,
        status: int | None = 0,
        input: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """The client outside; `status` is what it has to end with, None for anything."""
        settings = {**self.environment(), **(environment or {})}
        argv = [REMIT, *words]
        done = self.client.run(
            argv, environment=settings, input=input, check=False, timeout=timeout
        )
        expect(done, status)
        return done

    def start(self, *words: str) -> Program:
        """The client outside, left running; use it as a context manager."""
        return self.client.start([REMIT, *words], environment=self.environment())

    def remit_inside(
        self, *words: str, status: int | None = 0, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The client on the host itself, over the local socket, as this user."""
        done = self.host.run(["remit", *words], user=self.name, input=input, check=False)
        expect(done, status)
        return done

    def target(self, endpoint: str) -> str:
        return f"{endpoint}@{self.host.address}"

    def new(self, endpoint: str, name: str, *options: str) -> str:
        """Open a session; returns what -s takes."""
        self.remit("new", self.target(endpoint), "--name", name, *options)
        return self.target(name)

    def sessions(self) -> list[dict[str, object]]:
        listed: list[dict[str, object]] = json.loads(
            self.remit("list", self.host.address, "--json").stdout
        )
        return listed


def expect(done: subprocess.CompletedProcess[str], status: int | None) -> None:
    if status is not None and done.returncode != status:
        raise AssertionError(
            f"{done.args} ended with {done.returncode} in place of {status}\n"
            f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
        )


def fingerprint_of(host: Host) -> str:
    """As `remitctl status --json` tells it; the gate makes its certificate at its first start."""
    host.run(["systemctl", "start", "remit-gate.service"])
    status = json.loads(host.run(["remitctl", "status", "--json"]).stdout)
    fingerprint = status["fingerprint"]
    assert fingerprint.startswith("SHA256:"), status
    return str(fingerprint)


def wait_for_unit_end(host: Host, pattern: str = "remit-session-*", seconds: float = 10) -> None:
    """Wait until no unit of that name is loaded."""
    deadline = time.monotonic() + seconds
    while host.units(pattern):
        if time.monotonic() > deadline:
            raise AssertionError(f"units are still loaded: {host.units(pattern)}")
        time.sleep(0.05)  # sleeps: PID 1 tells the harness nothing
