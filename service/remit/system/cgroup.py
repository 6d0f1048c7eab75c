"""Control groups of the unified hierarchy: one for each command, beneath the process's own.

Commands have the user of the process and may do to these groups whatever it may: leave them, make
others, remove them, change their modes. What ends a command therefore relies on none of that.
Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst. Limits are systemd's affair.
"""

from __future__ import annotations

import errno
import os
import signal

_ROUNDS = 8  # times that `clear` looks again before it leaves the rest to its next call
_STEPS = 4096  # groups that one round walks over
_BUSY = (errno.EBUSY, errno.ENOTEMPTY)
_GONE = (errno.ENOENT, errno.ENODEV)


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

    __slots__ = ("_path", "descriptor", "events", "name")

    def __init__(self, parent: str, name: str) -> None:
        """Make it. `events` is readable with EPOLLPRI when it has become empty or not."""
        self.name = name
        self._path = f"{parent}/{name}"
        os.mkdir(self._path, 0o755)
        self.descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.events = -1

    def processes(self) -> list[int]:
        """[] also of a group that is gone or threaded: the parent has those processes."""
        try:
            descriptor = _open("cgroup.procs", os.O_RDONLY, self.descriptor)
        except OSError as error:
            if error.errno in _GONE:
                return []
            raise
        try:
            return _read_processes(descriptor)
        finally:
            os.close(descriptor)

    def watch(self) -> int:
        """A descriptor to poll for EPOLLPRI; after each event ask `is_empty`."""
        if self.events < 0:
            self.events = _open("cgroup.events", os.O_RDONLY, self.descriptor)
        return self.events

    def is_empty(self) -> bool:
        """Whether no process is left here or beneath; zombies do not count."""
        try:
            return b"populated 0" in os.pread(self.watch(), 4096, 0)
        except OSError as error:
            if error.errno in _GONE:  # only an empty group can be removed
                return True
            raise

    def kill(self) -> None:
        """SIGKILL to every process here and beneath, those being forked included."""
        _kill(self.descriptor)

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
            if error.errno not in (*_BUSY, *_GONE, errno.EACCES):
                raise
            if not self.is_empty():
                return False
            self._remove_tree()
        self._close()
        return True

    def _remove_tree(self) -> None:
        """As far as that goes: the rest, and what has our name now, `OwnCgroup.clear` finds."""
        parent, _, name = self._path.rpartition("/")
        try:
            directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            _remove(directory, name)
        finally:
            os.close(directory)

    def _close(self) -> None:
        os.close(self.descriptor)
        if self.events >= 0:
            os.close(self.events)


class OwnCgroup:
    """The group that this process lives in, alone, above the groups that it makes."""

    __slots__ = ("_directory", "_path", "_processes")

    def __init__(self, path: str) -> None:
        """OSError if others live there: `clear` would kill them. All is opened here, because a
        command could make it unreadable later."""
        self._path = path
        flags = os.O_RDONLY | os.O_CLOEXEC
        self._directory = os.open(path, flags | os.O_DIRECTORY)
        self._processes = os.open("cgroup.procs", flags, dir_fd=self._directory)
        if self._strays():
            raise OSError(errno.EBUSY, f"{path} is shared with other processes")

    def make(self, name: str) -> Cgroup:
        return Cgroup(self._path, name)

    def clear(self, but: str = "") -> bool:
        """Kill whatever is here but this process, and remove every group beneath.

        `but` is the name of a group that is left alone. False if something is not gone yet: then
        call it again a little later. What is dying is waited for by nobody here.
        """
        try:
            os.fchmod(self._directory, 0o755)
        except PermissionError:
            pass
        for _ in range(_ROUNDS):
            # A process may go from here to a group beneath and back while this looks: twice here.
            strays, groups = self._strays(), self._groups(but)
            if not strays and not groups and not self._strays():
                return True
            self._kill(strays)
            for name in groups:
                _end(self._directory, name)
        return False

    def _strays(self) -> list[int]:
        """0 is a process that this process cannot see: not one of its commands."""
        return [pid for pid in _read_processes(self._processes) if pid not in (0, os.getpid())]

    def _groups(self, but: str) -> list[str]:
        with os.scandir(self._directory) as entries:
            return [entry.name for entry in entries if entry.name != but and entry.is_dir()]

    def _kill(self, pids: list[int]) -> None:
        """Only what is still here once it is held: a number may have been given anew meanwhile."""
        held = []
        for pid in pids:
            try:
                held.append((pid, os.pidfd_open(pid)))
            except OSError:
                continue
        here = set(self._strays()) if held else set()
        for pid, pidfd in held:
            try:
                if pid in here:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            finally:
                os.close(pidfd)


def _open(name: str, flags: int, directory: int) -> int:
    """Open what is of our user, whatever modes it and its directory have been given."""
    try:
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=directory)
    except PermissionError:
        os.fchmod(directory, 0o700)
        os.chmod(name, 0o700, dir_fd=directory)
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=directory)


def _read_processes(descriptor: int) -> list[int]:
    content = bytearray()
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        while chunk := os.read(descriptor, 1 << 16):
            content += chunk
    except OSError as error:
        if error.errno not in (*_GONE, errno.EOPNOTSUPP):
            raise
    return [int(pid) for pid in content.split()]


def _kill(group: int) -> None:
    """Nothing if the group is gone or threaded: its processes are another group's then."""
    try:
        descriptor = _open("cgroup.kill", os.O_WRONLY, group)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    try:
        os.write(descriptor, b"1")
    except OSError as error:
        if error.errno not in (*_GONE, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)


def _end(directory: int, name: str) -> None:
    """Kill what is in a group of somebody else's making and remove it as far as that goes now."""
    try:
        group = _open(name, os.O_RDONLY | os.O_DIRECTORY, directory)
        try:
            os.fchmod(group, 0o700)
            _kill(group)
        finally:
            os.close(group)
    except OSError:
        pass  # somebody is changing it: the next look finds it again
    _remove(directory, name)


def _remove(directory: int, name: str) -> None:
    """Remove a group and what is beneath, deepest first, until one of them is not empty.

    One descriptor and no path, however deep a command has nested them.
    """
    here, down, names = os.dup(directory), name, list[str]()
    try:
        for _ in range(_STEPS):
            if down:
                here = _replace(here, down)
                os.fchmod(here, 0o700)
                names.append(down)
            else:
                here = _replace(here, "..")
                os.rmdir(names.pop(), dir_fd=here)
                if not names:
                    break
            down = _first_group(here)
    except OSError:
        pass  # not empty yet, or somebody is changing it
    finally:
        os.close(here)


def _replace(descriptor: int, name: str) -> int:
    found = _open(name, os.O_RDONLY | os.O_DIRECTORY, descriptor)
    os.close(descriptor)
    return found


def _first_group(directory: int) -> str:
    with os.scandir(directory) as entries:
        return next((entry.name for entry in entries if entry.is_dir()), "")
