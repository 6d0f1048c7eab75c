"""Control groups of the unified hierarchy: one for each command, beneath the process's own.

Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst. Limits are systemd's affair.
"""

from __future__ import annotations

import errno
import os


def find_own() -> str:
    """The directory of this process's own group. OSError if no unified hierarchy is mounted."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        paths = [line[3:].rstrip("\n") for line in file if line.startswith("0::")]
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line.split() for line in file if " - cgroup2 " in line]
    for mount in mounts:
        root, point = mount[3].rstrip("/"), mount[4]
        for path in paths:
            if path == root or path.startswith(root + "/"):
                return (point + path[len(root) :]).rstrip("/")
    raise OSError(errno.ENOENT, "no unified control group hierarchy is mounted")


class Cgroup:
    """One group that we made. `descriptor` is its directory, for clone3."""

    __slots__ = ("_path", "descriptor", "events")

    def __init__(self, parent: str, name: str) -> None:
        """Make it. `events` is readable with EPOLLPRI when it has become empty or not."""
        self._path = f"{parent}/{name}"
        os.mkdir(self._path, 0o755)
        self.descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.events = -1

    def processes(self) -> list[int]:
        return [int(pid) for pid in self._read("cgroup.procs").split()]

    def watch(self) -> int:
        """A descriptor to poll for EPOLLPRI; after each event ask `is_empty`."""
        if self.events < 0:
            flags = os.O_RDONLY | os.O_CLOEXEC
            self.events = os.open("cgroup.events", flags, dir_fd=self.descriptor)
        return self.events

    def is_empty(self) -> bool:
        """Whether no process is left here or beneath; zombies do not count."""
        return b"populated 0" in os.pread(self.watch(), 4096, 0)

    def kill(self) -> None:
        """SIGKILL to every process here and beneath, those being forked included."""
        descriptor = os.open("cgroup.kill", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            os.write(descriptor, b"1")
        finally:
            os.close(descriptor)

    def send_signal(self, number: int) -> None:
        """A signal to every process here, one by one; those that come meanwhile are missed."""
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue

    def remove(self) -> bool:
        """Remove the group and all groups made beneath it; False if processes are left."""
        try:
            os.rmdir(self._path)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                raise
            if not self.is_empty():
                return False
            _remove_tree(self._path)
        self._close()
        return True

    def _close(self) -> None:
        os.close(self.descriptor)
        if self.events >= 0:
            os.close(self.events)

    def _read(self, name: str) -> bytes:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            content = bytearray()
            while chunk := os.read(descriptor, 1 << 16):
                content += chunk
            return bytes(content)
        finally:
            os.close(descriptor)


def _remove_tree(path: str) -> None:
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)
