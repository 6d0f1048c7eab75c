"""Files and programs that only root can change: resolved link by link, every step checked.

Owns the question "who could alter what this path leads to" and the bounded reading of such files.
Knows nothing of what is in them. With a `root` other than / everything, absolute links included,
is looked for beneath it, and its owner is trusted as root is: for tests and images.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

FILE_LIMIT = 1 << 20
"""The most that is read of one file, in bytes."""

_LINK_LIMIT = 40
_ENTRY_LIMIT = 4096


class ProtectionFault(OSError):
    """Why a path is not trusted: what was found there, what was expected, what to do."""

    def __init__(self, path: str, found: str, expected: str, hint: str = "") -> None:
        super().__init__(errno.EPERM, f"{path}: {found}, expected {expected}")
        self.path = path
        self.found = found
        self.expected = expected
        self.hint = hint


def read_protected_file(path: str, root: str = "/", limit: int = FILE_LIMIT) -> bytes:
    """The content of a regular file of at most `limit` bytes that only root can change."""
    resolved = _resolve(path, root)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(resolved, flags)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ProtectionFault(path, _kind(state), "a regular file")
        _check(path, state, _owners(root))
        return _read(descriptor, path, limit)
    finally:
        os.close(descriptor)


def read_protected_directories(
    paths: Iterable[str], root: str = "/"
) -> dict[str, dict[str, bytes | ProtectionFault] | ProtectionFault]:
    """What each directory holds, or why it is not trusted."""
    found: dict[str, dict[str, bytes | ProtectionFault] | ProtectionFault] = {}
    for path in paths:
        try:
            found[path] = read_protected_directory(path, root)
        except ProtectionFault as fault:
            found[path] = fault
    return found


def read_protected_directory(path: str, root: str = "/") -> dict[str, bytes | ProtectionFault]:
    """What the directory holds, by name: content, or why there is none. {} if it does not exist."""
    if not os.path.lexists(_beneath(path, root)):
        return {}
    resolved = _resolve(path, root)
    try:
        names = sorted(os.listdir(resolved))
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(names) > _ENTRY_LIMIT:
        raise ProtectionFault(path, f"{len(names)} files", f"{_ENTRY_LIMIT} at most")
    return {name: _read_or_fault(f"{path}/{name}", root) for name in names}


def find_program_fault(path: str, root: str = "/") -> ProtectionFault | None:
    """Why `path` is no program that may be run for somebody else; None if it is one."""
    try:
        state = os.stat(_resolve(path, root), follow_symlinks=False)
    except ProtectionFault as fault:
        return fault
    if not stat.S_ISREG(state.st_mode):
        return ProtectionFault(path, _kind(state), "an executable program")
    if not state.st_mode & 0o111:
        return ProtectionFault(path, "not executable", "an executable program")
    return None


def _read_or_fault(path: str, root: str) -> bytes | ProtectionFault:
    try:
        return read_protected_file(path, root)
    except ProtectionFault as fault:
        return fault


def _read(descriptor: int, path: str, limit: int) -> bytes:
    content = bytearray()
    while chunk := os.read(descriptor, 1 << 16):
        content += chunk
        if len(content) > limit:
            raise ProtectionFault(path, "a larger file", f"{limit} bytes at most")
    return bytes(content)


def _resolve(path: str, root: str) -> str:
    """The path without links, after every directory and link on the way has been checked."""
    base = root.rstrip("/")
    owners = _owners(root)
    _check(root, os.stat(root), owners)
    done: list[str] = []
    pending = _parts(path)
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            del done[-1:]
            continue
        here = "/".join([base, *done, part])
        try:
            state = os.lstat(here)
        except OSError as error:
            raise _unreadable(path, error) from error
        _check("/" + "/".join([*done, part]), state, owners)
        if not stat.S_ISLNK(state.st_mode):
            done.append(part)
            continue
        links += 1
        if links > _LINK_LIMIT:
            raise ProtectionFault(path, "too many links", f"{_LINK_LIMIT} at most")
        target = os.readlink(here)
        if target.startswith("/"):
            done.clear()
        pending.extend(_parts(target))
    return "/".join([base, *done]) or "/"


def _parts(path: str) -> list[str]:
    """The path's parts, last first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _beneath(path: str, root: str) -> str:
    return root.rstrip("/") + "/" + path.lstrip("/")


def _owners(root: str) -> tuple[int, ...]:
    return (0,) if root == "/" else (0, os.stat(root).st_uid)


def _check(path: str, state: os.stat_result, owners: tuple[int, ...]) -> None:
    if state.st_uid not in owners:
        found = f"{path} owned by uid {state.st_uid}"
        raise ProtectionFault(path, found, "owner root", f"chown root {path}")
    if stat.S_ISLNK(state.st_mode):
        return
    if state.st_mode & 0o022:
        found = f"{path} with mode {stat.S_IMODE(state.st_mode):04o}"
        raise ProtectionFault(path, found, "writable by root alone", f"chmod go-w {path}")


def _kind(state: os.stat_result) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFCHR: "a device", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(state.st_mode), "no regular file")


def _unreadable(path: str, error: OSError) -> ProtectionFault:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ProtectionFault(path, f"no such file {path}", "one that exists")
    return ProtectionFault(path, f"{path}: {os.strerror(error.errno or 0)}", "a readable file")
