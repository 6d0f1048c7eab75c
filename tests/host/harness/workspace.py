"""What a run of the harness owns on this machine, and how it is taken away again.

A run keeps everything beneath /run/remit-tests/PID (a tmpfs), in control groups and network
namespaces named remit-test-PID-*. It holds a lock while it lives: whoever finds the lock free
removes what a dead run left behind.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from tests.host.harness.tools import HarnessProblem

_RUNS = Path("/run/remit-tests")
_KEPT = "kept"


class Workspace:
    """The directory, names and lock of this run."""

    def __init__(self) -> None:
        self.prefix = f"remit-test-{os.getpid()}"
        _RUNS.mkdir(mode=0o755, exist_ok=True)
        remove_dead_runs()
        self.directory = _RUNS / str(os.getpid())
        self._lock = _locked_file(_lock_path(self.directory))
        self.directory.mkdir(mode=0o755)
        mount = ["mount", "-t", "tmpfs", "-o", "mode=755,size=50%", "remit-tests"]
        subprocess.run([*mount, str(self.directory)], check=True)
        self._names = 0

    def new_name(self, role: str) -> str:
        """A name for a control group or network namespace that no other run uses."""
        self._names += 1
        return f"{self.prefix}-{self._names}-{role}"

    def keep(self) -> None:
        """Leave everything running when this process ends, until `end_kept_runs`."""
        (self.directory / _KEPT).touch()

    def close(self) -> None:
        """Take everything away."""
        if not (self.directory / _KEPT).exists():
            end_run(os.getpid())
        self._lock.close()


def remove_dead_runs() -> None:
    """Take away what runs left behind that did not come to their end."""
    _end_runs(kept=False)


def end_kept_runs() -> list[int]:
    """Take away what runs kept on purpose; returns the process ids that name them."""
    return _end_runs(kept=True)


def _end_runs(*, kept: bool) -> list[int]:
    """End the runs whose process is over, those that were kept or the others."""
    ended = []
    for directory in _RUNS.iterdir() if _RUNS.is_dir() else ():
        if directory.is_dir() and (directory / _KEPT).exists() == kept:
            with open(_lock_path(directory), "a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                end_run(int(directory.name))
                ended.append(int(directory.name))
    return ended


def end_run(pid: int) -> None:
    """End the hosts and clients of one run and remove its control groups, namespaces, mounts."""
    directory = _RUNS / str(pid)
    for hierarchy in _control_group_roots():
        for group in hierarchy.glob(f"remit-test-{pid}-*"):
            remove_machine_traces(group.name)
    for name in _network_namespaces(f"remit-test-{pid}-"):
        subprocess.run(["ip", "netns", "delete", name], check=True)
        (Path("/etc/netns") / name / "hosts").unlink(missing_ok=True)
        (Path("/etc/netns") / name / "resolv.conf").unlink(missing_ok=True)
        remove_directory(Path("/etc/netns") / name)
    remove_directory(Path("/etc/netns"))
    if directory.is_mount():
        subprocess.run(["umount", "--recursive", str(directory)], check=True)
    remove_directory(directory)
    _lock_path(directory).unlink(missing_ok=True)


def remove_machine_traces(name: str) -> None:
    """Kill what runs in a machine's control groups, remove these and what nspawn leaves in /run."""
    for group in [root / name for root in _control_group_roots()]:
        kill_control_group(group)
        for below, _, _ in os.walk(group, topdown=False):
            wait_until(partial(_is_removed, below), f"control group {below} to be empty")
    for kind in ("propagate", "unix-export"):
        remove_directory(Path("/run/systemd/nspawn") / kind / name)


def kill_control_group(group: Path) -> None:
    """Kill every process in a control group and beneath it."""
    kill = group / "cgroup.kill"
    if kill.exists():
        kill.write_text("1")
        return
    for below, _, _ in os.walk(group):
        for pid in Path(below, "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def unified_control_groups() -> Path:
    """Where control groups v2 are mounted on this machine."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    raise HarnessProblem(
        "control groups v2 are not mounted; try: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
    )


def remove_directory(path: Path) -> None:
    """Remove an empty directory if it is there; leave it if others use it."""
    try:
        path.rmdir()
    except OSError:
        return


def wait_until(happened: Callable[[], bool], what: str, timeout: float = 10) -> None:
    """Wait for something that tells nobody when it happens; it costs a look each 10 ms."""
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            raise HarnessProblem(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.01)  # sleeps: see above


def _is_removed(path: str) -> bool:
    try:
        os.rmdir(path)
    except OSError:
        return not os.path.exists(path)
    return True


def _control_group_roots() -> set[Path]:
    """nspawn also makes a group in v1's name=systemd, where that is mounted."""
    named = Path("/sys/fs/cgroup/systemd")
    return {unified_control_groups()} | ({named} if named.is_dir() else set())


def _network_namespaces(prefix: str) -> list[str]:
    directory = Path("/run/netns")
    return [path.name for path in directory.glob(f"{prefix}*")] if directory.is_dir() else []


def _lock_path(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.lock")


def _locked_file(path: Path) -> IO[str]:
    lock = open(path, "a")  # noqa: SIM115 - held as long as the run lives
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
