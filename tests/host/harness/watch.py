"""What a test may not leave behind: a look at a host before it and one after it.

Rule 14 of the house: a host test fails on any unexpected journal line, crash, failed unit,
leftover process, mount, file or descriptor.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.host.harness.host import Host, Process
from tests.host.harness.recipe import SHELL_UNIT

# Units that exist for one session, one conversation or one command of a test.
_PASSING_UNITS = re.compile(r"remit-(session-|auth@)|run-.*\.(service|scope|socket|timer)$")
_DAEMONS = ("remitd.service", "remit-gate.service")
_DIRECTORIES = (
    "/dev/shm",
    "/run/netns",
    "/run/remit/sessions",
    "/run/systemd/transient",
    "/run/userdb",
    "/tmp",
    "/var/tmp",
)
# systemd's own directories for units with PrivateTmp= come and go with any service of Debian.
_PASSING_FILES = re.compile(r"/systemd-private-(?!.*remit-session)")
_PASSING_MOUNTS = re.compile(r"^/run/credentials/(?!remit-session)")
_PATIENCE = 3.0


@dataclass(frozen=True)
class Snapshot:
    """What there is on a host that a test might leave behind more of."""

    units: frozenset[str]
    failed: frozenset[str]
    processes: frozenset[Process]
    files: frozenset[str]
    mounts: Counter[str]
    descriptors: dict[tuple[str, int], int]

    @classmethod
    def of(cls, host: Host) -> Snapshot:
        """Look at a host now."""
        units = host.units()
        processes = host.processes()
        return cls(
            frozenset(_passing(unit.name for unit in units)),
            frozenset(unit.name for unit in units if unit.active == "failed"),
            frozenset(process for process in processes if _is_of_a_test(process)),
            frozenset(_files(host)),
            Counter(_mounts(host)),
            _descriptors(processes),
        )

    def more_than(self, before: Snapshot) -> list[str]:
        """What is here now and was not before, one line each."""
        lines = [f"unit {name} is still loaded" for name in self.units - before.units]
        lines += [f"unit {name} has failed" for name in self.failed - before.failed]
        lines += [
            f"process {process.pid} still runs in {process.control_group}: {process.argv}"
            for process in self.processes - before.processes
        ]
        lines += [f"{path} is still there" for path in self.files - before.files]
        lines += [f"{path} is still mounted" for path in (self.mounts - before.mounts)]
        for (unit, pid), number in self.descriptors.items():
            held = before.descriptors.get((unit, pid), number)
            if number > held:
                lines.append(f"{unit} holds {number} descriptors, {number - held} more than before")
        return sorted(lines)


class Watch:
    """Begins before a test; afterwards `problems` says all that is not as it should be."""

    def __init__(self, host: Host) -> None:
        self.host = host
        host.journal.begin()
        self._before = Snapshot.of(host)

    def problems(self) -> list[str]:
        """What is wrong after the test; leftovers are given a moment to go away by themselves."""
        if not self.host.machine.is_running:
            return []
        left = self._leftovers()
        logged = [f"unexpected in the journal: {line}" for line in self.host.journal.unexpected()]
        return [f"{self.host.name}: {line}" for line in (*left, *logged)]

    def clean(self) -> None:
        """Take the leftovers of a failed test away, so that the next one starts as it should."""
        for process in Snapshot.of(self.host).processes - self._before.processes:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        units = Snapshot.of(self.host).units - self._before.units
        if units:
            self.host.run(["systemctl", "stop", "--", *units], check=False)
        self.host.run(["systemctl", "reset-failed"], check=False)

    def _leftovers(self) -> list[str]:
        deadline = time.monotonic() + _PATIENCE
        while True:
            left = Snapshot.of(self.host).more_than(self._before)
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)  # sleeps: that things are gone is announced by nobody


def _passing(names: Iterable[str]) -> list[str]:
    """Units that a test may leave behind; one remit-auth always waits for the next conversation."""
    passing = sorted(name for name in names if _PASSING_UNITS.match(name))
    waiting = [name for name in passing if name.startswith("remit-auth@")][-1:]
    return [name for name in passing if name not in waiting]


def _is_of_a_test(process: Process) -> bool:
    """Sessions, log-ins and what tests start; services of the system come and go as they like."""
    if process.control_group.startswith(f"/user.slice/{SHELL_UNIT}"):
        return process.argv != "/bin/sleep infinity"
    return process.control_group.startswith(("/remit.slice", "/user.slice"))


def _files(host: Host) -> list[str]:
    root = Path(f"/proc/{host.machine.leader}/root")
    found = []
    for directory in _DIRECTORIES:
        try:
            names = os.listdir(root / directory.lstrip("/"))
        except FileNotFoundError:
            continue
        found += [f"{directory}/{name}" for name in names]
    return [path for path in found if not _PASSING_FILES.search(path)]


def _mounts(host: Host) -> list[str]:
    lines = Path(f"/proc/{host.machine.leader}/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return [point for point in points if not _PASSING_MOUNTS.match(point)]


def _descriptors(processes: list[Process]) -> dict[tuple[str, int], int]:
    """How many descriptors the daemons that run all the time hold."""
    held = {}
    for process in processes:
        unit = process.control_group.rpartition("/")[2]
        if unit in _DAEMONS:
            held[unit, process.pid] = len(os.listdir(f"/proc/{process.pid}/fd"))
    return held
