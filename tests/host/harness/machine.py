"""One booted machine: an overlay over an image, in systemd-nspawn, in a network namespace.

This module boots it and makes it end, in whatever way; what is done on it is host.py's.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.host.harness.network import Link
from tests.host.harness.tools import HarnessProblem
from tests.host.harness.workspace import (
    Workspace,
    kill_control_group,
    remove_machine_traces,
    unified_control_groups,
)

BOOT_TIMEOUT = 60.0
_POWER_OFF_TIMEOUT = 30.0
_SYSTEM_CALLS = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"


class Machine:
    """A machine that can be booted, powered off, crashed and booted again on the same disk."""

    def __init__(self, workspace: Workspace, link: Link, lower: Sequence[Path]) -> None:
        self.name = link.name
        self.link = link
        self.directory = workspace.directory / link.namespace
        self.upper = self.directory / "upper"
        self.root = self.directory / "root"
        self.console = self.directory / "console.log"
        self._group = unified_control_groups() / link.namespace
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.leader = 0
        for directory in (self.upper, self.root, self.directory / "work"):
            directory.mkdir(parents=True)
        layers = f"lowerdir={':'.join(map(str, lower))},upperdir={self.upper}"
        options = f"{layers},workdir={self.directory / 'work'}"
        mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)]
        subprocess.run(mount, check=True)
        (self.root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")

    @property
    def is_running(self) -> bool:
        """Whether it was booted and did not end since."""
        return self._nspawn is not None and self._nspawn.poll() is None

    @property
    def control_group(self) -> Path:
        """The root of the machine's own control groups, seen from outside."""
        groups = _read(f"/proc/{self.leader}/cgroup")
        entry = re.search(r"^0::(.*)/init\.scope$", groups, re.MULTILINE)
        if not entry:
            raise HarnessProblem(f"{self.name} does not run")
        return unified_control_groups() / entry[1].lstrip("/")

    def boot(self) -> None:
        """Boot and return when its systemd says that all is up."""
        self._group.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
            path = self.directory / "notify"
            path.unlink(missing_ok=True)
            notifications.bind(str(path))
            self._nspawn = self._start(path)
            try:
                self._wait_for_readiness(notifications)
            except HarnessProblem:
                self.crash()
                raise

    def power_off(self) -> None:
        """Shut down in order, as `systemctl poweroff` does."""
        if self._nspawn and self.is_running:
            os.kill(self._nspawn.pid, 15)  # nspawn has the machine's systemd power off
            try:
                self._nspawn.wait(_POWER_OFF_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.crash()
                raise HarnessProblem(
                    f"{self.name} did not power off in {_POWER_OFF_TIMEOUT:g} s:\n{self._said()}"
                ) from None
        self._forget()

    def crash(self) -> None:
        """End at once, as when the power fails; what it had written stays."""
        if self.is_running:
            kill_control_group(self._group)
        self._forget()

    def remove(self) -> Path:
        """Crash it, take it off the network, and return what it had written, a layer by itself."""
        self.crash()
        subprocess.run(["umount", str(self.root)], check=True)
        self.link.close()
        return self.upper

    def _start(self, notify: Path) -> subprocess.Popen[bytes]:
        """A shell enters the machine's own control group, then becomes nspawn."""
        nspawn = [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
            "--notify-ready=yes",
            "--console=pipe",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--rlimit=NOFILE=1024:524288",  # systemd's own default; the caller's may be lower
            "--capability=CAP_NET_ADMIN",  # without it PrivateNetwork= silently does nothing
            f"--system-call-filter={_SYSTEM_CALLS}",
            f"--network-namespace-path=/run/netns/{self.link.namespace}",
            f"--machine={self.link.namespace}",
            f"--hostname={self.name}",
            f"--directory={self.root}",
        ]
        enter = ["sh", "-c", 'echo 0 >"$0" && exec "$@"', str(self._group / "cgroup.procs")]
        with open(self.console, "ab") as console:
            return subprocess.Popen(
                [*enter, *nspawn],
                env={
                    "PATH": os.environ["PATH"],
                    "NOTIFY_SOCKET": str(notify),
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )

    def _wait_for_readiness(self, notifications: socket.socket) -> None:
        notifications.settimeout(BOOT_TIMEOUT)
        received = b""
        while b"READY=1" not in received or b"X_NSPAWN_LEADER_PID=" not in received:
            try:
                received += b"\n" + notifications.recv(65536)
            except TimeoutError:
                raise HarnessProblem(f"{self.name} did not boot:\n{self._said()}") from None
        leader = re.search(rb"X_NSPAWN_LEADER_PID=(\d+)", received)
        assert leader
        self.leader = int(leader[1])

    def _forget(self) -> None:
        if self._nspawn:
            self._nspawn.wait(10)
            self._nspawn = None
            self.leader = 0
        remove_machine_traces(self.link.namespace)

    def _said(self) -> str:
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-40:])


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""
