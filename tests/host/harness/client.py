"""A client machine: a network namespace in which programs of the test machine itself run."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.host.harness.network import Link
from tests.host.harness.program import Place


class Client(Place):
    """One client machine with an empty home of its own, on the network of the hosts."""

    def __init__(self, link: Link, home: Path) -> None:
        self.link = link
        self.name = link.name
        self.address = link.address
        self.address6 = link.address6
        self.home = home
        home.mkdir(mode=0o700, parents=True)

    def way(
        self, user: str | None, environment: Mapping[str, str], terminal: bool
    ) -> tuple[list[str], dict[str, str]]:
        """Into the network namespace, with /etc/hosts of the network; to the user."""
        account = pwd.getpwnam(user or "root")
        argv = ["ip", "netns", "exec", self.link.namespace]
        if account.pw_uid:
            os.chown(self.home, account.pw_uid, account.pw_gid)
            argv += ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
            argv += ["--init-groups"]
        if terminal:
            argv += ["setsid", "--ctty"]
        whole_environment = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "LOGNAME": account.pw_name,
            "PATH": os.environ["PATH"],
            "USER": account.pw_name,
            **environment,
        }
        return argv, whole_environment

    def cut_network(self) -> None:
        """Pull the client's cable at the switch; no host notices."""
        self.link.cut()

    def restore_network(self) -> None:
        """Put the client's cable back."""
        self.link.restore()

    def processes(self) -> list[int]:
        """What still runs here."""
        asked = ["ip", "netns", "pids", self.link.namespace]
        listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        return [int(pid) for pid in listed.split()]

    def remove(self) -> None:
        """Kill what still runs and take the machine off the network."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.link.close()
