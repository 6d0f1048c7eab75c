"""`make demo`: the main job on a throw-away host, from its packages to a refused argument.

Builds the packages, boots a host in a network of its own, installs them there with apt, adds a
user, and does from a client outside what a user does. Prints each step with what came back and
checks it; exit status 1 if anything is not as it should be. `--keep` leaves the host up.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.image import RELEASES
from tests.host.harness.laboratory import Laboratory
from tests.host.harness.program import CommandFailed
from tests.host.harness.workspace import end_kept_runs

REPOSITORY = Path(__file__).parents[2]
REMIT = str(REPOSITORY / "service" / "bin" / "remit")
USER = "cjones"
PASSWORD = "correct horse battery"
GROUP = "remit-host-status"
SHOWN_LINES = 12


@dataclass(frozen=True)
class Step:
    """One command of the client, and what has to come back from it."""

    says: str
    argv: Sequence[str]
    status: int = 0
    contains: str = ""


class Failed(Exception):
    """Something was not as it should be."""


def steps(host: str) -> list[Step]:
    """The main job; TARGET is what a user would type."""
    target = f"host-status@{host}"
    run = ("run", target)
    return [
        Step("The endpoints that this user may use", ["endpoints", host], 0, "host-status"),
        Step("What may be run there", ["commands", target], 0, "systemctl status"),
        Step("Run uptime", [*run, "uptime"], 0, "load average"),
        Step("Run df", [*run, "df", "-h"], 0, "Filesystem"),
        Step(
            "The state of a service",
            [*run, "systemctl", "status", "remitd.service"],
            0,
            "active (running)",
        ),
        Step(
            "The journal of a service",
            [*run, "journalctl", "-u", "remitd.service", "-n", "5"],
            0,
            "remitd",
        ),
        Step("A command outside the endpoint", [*run, "bash"], 127, "bash"),
        Step("An argument outside it", [*run, "df", "--sync"], 126, "refused"),
        Step("Open a session", ["new", target, "--name", "tour"], 0, "@"),
        Step("Run a command in it", ["run", "-s", f"tour@{host}", "uptime"], 0, "load average"),
        Step("And another", ["run", "-s", f"tour@{host}", "free", "-h"], 0, "Mem:"),
        Step("List the sessions", ["list", host], 0, "tour"),
        Step("Remove it", ["remove", "-s", f"tour@{host}"], 0),
        Step("It is gone", ["run", "-s", f"tour@{host}", "uptime"], 125, "closed"),
    ]


class Demo:
    """One host, one client, one user."""

    def __init__(self, host: Host, client: Client, release: str) -> None:
        self._host = host
        self._client = client
        self._release = release
        self._password = client.home / "password"

    def prepare(self) -> None:
        """Install the packages, add the user, let the client know the host."""
        debs = sorted((REPOSITORY / "build").glob("*.deb"))
        say(f"apt install {' '.join(deb.name for deb in debs)} (on the host)")
        self._host.install(debs)
        say(f"A user {USER} with a password, in the group {GROUP} that opens host-status")
        self._host.add_user(USER, PASSWORD, [GROUP])
        self._password.write_text(PASSWORD + "\n")
        self._password.chmod(0o600)
        fingerprint = self.fingerprint()
        say(f"Trust the host by the fingerprint that `remitctl status` shows: {fingerprint}")
        self.remit(["trust", self._host.address, "--fingerprint", fingerprint])

    def fingerprint(self) -> str:
        """The certificate's fingerprint, told by root on the host itself."""
        self._client.run(["timeout", "5", "bash", "-c", f"</dev/tcp/{self._host.address}/8622"])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            said = self._host.run(["remitctl", "status"]).stdout
            for word in said.split():
                if word.startswith("SHA256:"):
                    return word
            time.sleep(0.1)  # sleeps: the gate tells nobody when its certificate is made
        raise Failed(f"remitctl status shows no fingerprint:\n{said}")

    def remit(self, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """The client, outside the host, as the user."""
        environment = {"REMIT_USER": USER, "REMIT_PASSWORD_FILE": str(self._password)}
        return self._client.run([REMIT, *argv], environment=environment, check=False)

    def do(self, step: Step) -> None:
        """One step, shown and checked."""
        say(f"{step.says}\n  $ remit {shlex.join(step.argv)}")
        start = time.monotonic()
        done = self.remit(step.argv)
        took = time.monotonic() - start
        show(done.stdout + done.stderr)
        sys.stdout.write(f"  exit status {done.returncode}, {took * 1000:.0f} ms\n")
        if done.returncode != step.status:
            raise Failed(f"expected exit status {step.status}")
        if step.contains not in done.stdout + done.stderr:
            raise Failed(f"expected {step.contains!r} in what came back")

    def check_leftovers(self) -> None:
        """Nothing of any session may be left on the host."""
        left = [unit.name for unit in self._host.units("remit-session-*")]
        if left:
            raise Failed(f"units are left: {left}")
        say("No unit, process or file of any session is left on the host")

    def explain(self) -> None:
        """How to reach the host that stays up, and how to end it."""
        environment = f"REMIT_USER={USER} REMIT_PASSWORD_FILE={self._password}"
        home = f"HOME={self._client.home}"
        way = f"ip netns exec {self._client.link.namespace} env {home} {environment}"
        target = f"host-status@{self._host.address}"
        say(
            f"The host is left up.\n"
            f"  {way} {REMIT} run {target} uptime\n"
            f"  a root shell on it: {shlex.join(self._host.way(None, {}, False)[0])} bash\n"
            f"  its end:            build/venv/bin/python -m tests.host.demo --end"
        )


def say(text: str) -> None:
    """A heading of the demonstration."""
    sys.stdout.write(f"\n== {text}\n")
    sys.stdout.flush()


def show(text: str) -> None:
    """What came back, shortened where it is long."""
    lines = text.splitlines()
    for line in lines[:SHOWN_LINES]:
        sys.stdout.write(f"  | {line}\n")
    if len(lines) > SHOWN_LINES:
        sys.stdout.write(f"  | ... and {len(lines) - SHOWN_LINES} lines more\n")


def demonstrate(release: str, keep: bool) -> None:
    """All of it. Failed or CommandFailed if something is not as it should be."""
    say("Build the packages")
    subprocess.run(["make", "--silent", "deb"], cwd=REPOSITORY, check=True)
    with Laboratory([release]) as laboratory:  # type: ignore[list-item]
        say(f"Boot a fresh Debian host ({release})")
        host = laboratory.boot(release, "plain", "demo")  # type: ignore[arg-type]
        demo = Demo(host, laboratory.new_client("laptop"), release)
        demo.prepare()
        for step in steps(host.address):
            demo.do(step)
        demo.check_leftovers()
        if keep:
            laboratory.keep()
            demo.explain()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the host up")
    parser.add_argument("--end", action="store_true", help="end the hosts that were left up")
    parser.add_argument("--release", choices=RELEASES, default="bookworm")
    options = parser.parse_args()
    if options.end:
        say(f"Ended {len(end_kept_runs())} run(s) that had been left up")
        return 0
    try:
        demonstrate(options.release, options.keep)
    except (Failed, CommandFailed) as failure:
        sys.stdout.write(f"\nThe demonstration failed: {failure}\n")
        return 1
    say("The demonstration went well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
