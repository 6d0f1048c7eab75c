"""The file of pinned certificates: one line `HOST:PORT SHA256:…` for each host.

Owns the file: private, replaced as a whole, under a lock. Does not decide what to trust.
"""

from __future__ import annotations

import os

from remit.client.target import Address
from remit.wire.problem import Problem

SYSTEM = "/etc/remit/known_hosts"
BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
DIGEST = 43  # characters of base64 for 32 bytes, without padding


def is_fingerprint(text: str) -> bool:
    digest = text.removeprefix("SHA256:")
    return digest != text and len(digest) == DIGEST and BASE64.issuperset(digest)


def default_path() -> str:
    """REMIT_KNOWN_HOSTS, or known_hosts in the user's configuration directory."""
    if path := os.environ.get("REMIT_KNOWN_HOSTS"):
        return path
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(home, "remit", "known_hosts")


class Pin:
    """A host's fingerprint, and `where` it is written: FILE:LINE."""

    __slots__ = ("fingerprint", "where")

    def __init__(self, fingerprint: str, where: str) -> None:
        self.fingerprint = fingerprint
        self.where = where


class KnownHosts:
    """The user's file, before the system's."""

    def __init__(self, path: str, system: str = SYSTEM) -> None:
        self.path = path
        self._system = system

    def find(self, address: Address) -> Pin | None:
        """Problem if a file cannot be read or understood: it may hold just this host."""
        return _find(self.path, address) or _find(self._system, address)

    def put(self, address: Address, fingerprint: str) -> None:
        """Pin a host, in place of what was pinned for it. Problem if that cannot be written."""
        directory = os.path.dirname(self.path) or "."
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _lock(lock)
                lines = [line for line in _read(self.path) if not _is_about(line, address)]
                _replace(self.path, "".join([*lines, f"{address} {fingerprint}\n"]))
            finally:
                os.close(lock)
        except OSError as error:
            raise _unusable(self.path, error) from error


def _find(path: str, address: Address) -> Pin | None:
    try:
        lines = _read(path)
    except OSError as error:
        raise _unusable(path, error) from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words and not words[0].startswith("#") and len(words) != 2:
            expected = "expected HOST:PORT SHA256:…"
            raise Problem("untrusted", f'{path}:{number}: found "{line.strip()}", {expected}')
        if _is_about(line, address):
            if not is_fingerprint(words[1]):
                expected = f"expected SHA256: and {DIGEST} characters"
                raise Problem("untrusted", f'{path}:{number}: found "{words[1]}", {expected}')
            return Pin(words[1], f"{path}:{number}")
    return None


def _is_about(line: str, address: Address) -> bool:
    words = line.split(maxsplit=1)
    return bool(words) and words[0].lower() == str(address).lower()


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line if line.endswith("\n") else line + "\n" for line in file]
    except FileNotFoundError:
        return []


def _lock(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _replace(path: str, content: str) -> None:
    """Write a new file beside it and rename it over; complete or not at all."""
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _unusable(path: str, error: OSError) -> Problem:
    return Problem("untrusted", f"{path}: {error.strerror or error}")
