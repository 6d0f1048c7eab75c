"""A host: a booted machine with remit on it or to be put on it, and what a test does to it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tests.host.harness.image import Release
from tests.host.harness.journal import Journal
from tests.host.harness.machine import Machine
from tests.host.harness.program import Place
from tests.host.harness.recipe import SHELL_UNIT
from tests.host.harness.tools import HarnessProblem

# Enters a control group, then becomes the program.
_ENTER = ("sh", "-c", 'echo 0 >"$0" && exec "$@"')
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Account(NamedTuple):
    """A line of a host's /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


class Unit(NamedTuple):
    """A line of `systemctl list-units`."""

    name: str
    load: str
    active: str
    sub: str


class Process(NamedTuple):
    """A process of a host, by its process id outside, with its control group inside."""

    pid: int
    argv: str
    control_group: str


class Host(Place):
    """One host. What is run on it runs as in a shell there: its namespaces, its capabilities."""

    def __init__(self, machine: Machine, release: Release) -> None:
        self.machine = machine
        self.release = release
        self.name = machine.name
        self.address = machine.link.address
        self.address6 = machine.link.address6
        self.journal = Journal(self)

    # Programs and files

    def way(
        self, user: str | None, environment: Mapping[str, str], terminal: bool
    ) -> tuple[list[str], dict[str, str]]:
        """Into the control group of the harness's shell, into the namespaces, to the user."""
        leader = self._require_leader()
        account = self.account(user or "root")
        group = self.machine.control_group / "user.slice" / SHELL_UNIT / "cgroup.procs"
        home = f"--wd=/proc/{leader}/root{account.home}"
        argv = [*_ENTER, str(group), "nsenter", f"--target={leader}", *_NAMESPACES, home, "--"]
        argv += ["setpriv", f"--bounding-set={self._forbidden_capabilities}"]
        if account.uid:
            argv += [f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups"]
        if terminal:
            argv += ["setsid", "--ctty"]
        whole_environment = {
            "HOME": account.home,
            "LANG": "C.UTF-8",
            "LOGNAME": account.name,
            "PATH": _PATH,
            "SHELL": account.shell,
            "USER": account.name,
            **environment,
        }
        return argv, whole_environment

    def write_file(
        self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root:root"
    ) -> None:
        """Write a file anew, with the directories that it needs."""
        user, _, group = owner.partition(":")
        install = ["install", "-D", f"--mode={mode:o}", f"--owner={user}"]
        self.run([*install, f"--group={group or user}", "/dev/stdin", path], input=content)

    def read_file(self, path: str) -> str:
        """The text of a file."""
        return self.run(["cat", "--", path]).stdout

    def exists(self, path: str) -> bool:
        """Whether there is something at this path."""
        return not self.run(["test", "-e", path, "-o", "-L", path], check=False).returncode

    # Accounts

    def add_user(self, name: str, password: str | None = None, groups: Sequence[str] = ()) -> None:
        """Add an ordinary user with a home; without a password nobody can log in as it."""
        added = ["useradd", "--create-home", "--shell=/bin/bash", f"--groups={','.join(groups)}"]
        self.run([*added, name])
        if password is not None:
            self.set_password(name, password)

    def set_password(self, name: str, password: str) -> None:
        """Give a user a password."""
        self.run(["chpasswd"], input=f"{name}:{password}\n")

    def remove_user(self, name: str) -> None:
        """Remove a user and its home."""
        self.run(["userdel", "--force", "--remove", name])

    def account(self, name: str) -> Account:
        """The entry of a user in /etc/passwd."""
        if name == "root":
            return Account("root", 0, 0, "/root", "/bin/bash")
        passwd = Path(f"/proc/{self._require_leader()}/root/etc/passwd").read_text()
        line = re.search(rf"^{re.escape(name)}:.*$", passwd, re.MULTILINE)
        if not line:
            raise HarnessProblem(f"{self.name} has no user {name!r}")
        _, _, uid, gid, _, home, shell = line[0].split(":")
        return Account(name, int(uid), int(gid), home, shell)

    # Services and processes

    def units(self, *patterns: str) -> list[Unit]:
        """Loaded units whose names match, all without a pattern; failed and inactive ones too."""
        listing = ["systemctl", "list-units", "--all", "--plain", "--full", "--no-legend"]
        lines = self.run([*listing, "--no-pager", "--", *patterns]).stdout.splitlines()
        return [Unit(*line.split()[:4]) for line in lines]

    def unit_property(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` has it."""
        show = ["systemctl", "show", "--value", f"--property={name}", "--", unit]
        return self.run(show).stdout.strip()

    def kill_service(self, unit: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a service's main process."""
        self.run(["systemctl", "kill", "--kill-whom=main", f"--signal={signal}", unit])

    def restart_service(self, unit: str) -> None:
        """Restart a service and wait until it is ready."""
        self.run(["systemctl", "restart", unit])

    def processes(self, control_group: str = "/") -> list[Process]:
        """All that runs in a control group and beneath it."""
        root = self.machine.control_group
        found = []
        for file in sorted((root / control_group.lstrip("/")).rglob("cgroup.procs")):
            group = f"/{file.parent.relative_to(root)}"
            for pid in _lines_of(file):
                argv = _arguments(int(pid))
                if argv:
                    found.append(Process(int(pid), argv, group))
        return found

    # Network, power, packages

    def cut_network(self) -> None:
        """Pull the host's cable at the switch."""
        self.machine.link.cut()

    def restore_network(self) -> None:
        """Put the host's cable back."""
        self.machine.link.restore()

    def power_off(self) -> None:
        """Shut down in order."""
        self.machine.power_off()

    def crash(self) -> None:
        """End at once, as when the power fails."""
        self.machine.crash()

    def boot(self) -> None:
        """Boot, the first time or again; what the host had on its disk is still there."""
        self.machine.boot()
        self.journal.mark()

    def reboot(self) -> None:
        """Shut down and boot again: another boot id, an empty /run."""
        self.power_off()
        self.boot()

    def install(self, debs: Sequence[Path]) -> str:
        """Install packages and what they depend on by apt, without a network; what apt said."""
        inside = Path("/opt/packages")
        outside = self.machine.root / inside.relative_to("/")
        outside.mkdir(exist_ok=True)
        for deb in debs:
            shutil.copy(deb, outside)
        argv = ["apt-get", "install", "--yes", *(str(inside / deb.name) for deb in debs)]
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        said = self.run(argv, environment=environment, timeout=180).stdout
        shutil.rmtree(outside)
        return said

    @cached_property
    def _forbidden_capabilities(self) -> str:
        """What even root on the host may not have, in the words of setpriv."""
        status = Path(f"/proc/{self._require_leader()}/status").read_text()
        bounding = re.search(r"^CapBnd:\s*(\w+)$", status, re.MULTILINE)
        assert bounding
        mask = int(bounding[1], 16)
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
        return ",".join(f"-cap_{bit}" for bit in range(last + 1) if not mask >> bit & 1)

    def _require_leader(self) -> int:
        if not self.machine.is_running:
            raise HarnessProblem(f"{self.name} does not run")
        return self.machine.leader


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:  # the group was removed meanwhile
        return []


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""
