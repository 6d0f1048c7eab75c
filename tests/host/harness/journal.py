"""A host's journal: what was logged, waiting for an entry, and what nobody expected."""

from __future__ import annotations

import json
import re
import select
import time
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

from tests.host.harness.tools import HarnessProblem

if TYPE_CHECKING:
    from tests.host.harness.program import Place

Entry = dict[str, str]

_WARNING = 4
_CRASHED = re.compile(r"code=dumped|status=\d+/(ABRT|BUS|FPE|ILL|SEGV|SYS|TRAP)")

# What Debian itself logs in such a machine, on a day when all is well. One reason each.
EVERYWHERE: dict[str, str] = {}


class Journal:
    """Reads the journal of one host from a mark on; every test begins with a new mark."""

    def __init__(self, host: Place) -> None:
        self._host = host
        self._mark = ""
        self._allowed: list[str] = []

    def mark(self) -> str:
        """Remember this moment; `entries` begins after it. Returns its cursor."""
        self._sync()
        shown = self._host.run(["journalctl", "--lines=0", "--show-cursor"]).stdout
        self._mark = shown.partition("-- cursor: ")[2].strip()
        return self._mark

    def begin(self) -> None:
        """Begin a test: a new mark, and nothing is allowed any more."""
        self._allowed.clear()
        self.mark()

    def allow(self, *patterns: str) -> None:
        """Until the end of the test, lines `identifier: message` that match are expected."""
        self._allowed += patterns

    def entries(self, since: str | None = None, **fields: str) -> list[Entry]:
        """What was logged after the mark or a cursor, and has these fields."""
        self._sync()
        found = parse_entries(self._host.run(self._query(since)).stdout.splitlines())
        return [entry for entry in found if _has(entry, fields)]

    def wait_for(
        self, pattern: str = "", since: str | None = None, timeout: float = 10, **fields: str
    ) -> Entry:
        """The first entry after the mark that has these fields and whose message matches."""
        argv = [*self._query(since), "--follow", "--no-tail"]
        with self._host.start(argv) as follower:
            assert follower.stdout
            for entry in parse_entries(_lines(follower.stdout, timeout)):
                if _has(entry, fields) and re.search(pattern, entry.get("MESSAGE", "")):
                    return entry
        asked = " ".join([repr(pattern), *(f"{key}={value}" for key, value in fields.items())])
        raise HarnessProblem(
            f"{self._host.name} did not log {asked} within {timeout:g} s; it logged:\n"
            + "\n".join(describe(entry) for entry in self.entries(since))
        )

    def unexpected(self) -> list[str]:
        """Warnings, errors and crashes after the mark that nobody allowed."""
        allowed = [re.compile(pattern) for pattern in (*EVERYWHERE, *self._allowed)]
        found = [describe(entry) for entry in self.entries() if is_alarming(entry)]
        return [line for line in found if not any(regex.search(line) for regex in allowed)]

    def _sync(self) -> None:
        self._host.run(["journalctl", "--sync"])

    def _query(self, since: str | None) -> list[str]:
        """Fields are not asked for: with a match, systemd 252 skips an entry after a cursor."""
        argv = ["journalctl", "--quiet", "--all", "--no-pager", "--output=json"]
        cursor = self._mark if since is None else since
        return [*argv, f"--after-cursor={cursor}"] if cursor else argv


def parse_entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Entries from lines of `journalctl -o json`; of repeated fields the first value."""
    for line in lines:
        yield {key: _as_text(value) for key, value in json.loads(line).items()}


def _has(entry: Entry, fields: dict[str, str]) -> bool:
    return all(entry.get(key) == value for key, value in fields.items())


def describe(entry: Entry) -> str:
    """An entry as one reads it in a journal, `identifier: message`."""
    identifier = entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM", "?")
    return f"{identifier}: {entry.get('MESSAGE', '')}"


def is_alarming(entry: Entry) -> bool:
    """A warning or worse, or a crash, which systemd only calls a notice."""
    priority = int(entry.get("PRIORITY", "6"))
    return priority <= _WARNING or bool(_CRASHED.search(entry.get("MESSAGE", "")))


def _as_text(value: object) -> str:
    """Repeated fields are lists of values; values that are no text are lists of bytes."""
    if isinstance(value, list) and value and isinstance(value[0], int):
        return bytes(value).decode(errors="backslashreplace")
    if isinstance(value, list):
        return _as_text(value[0]) if value else ""
    return "" if value is None else str(value)


def _lines(stream: IO[bytes], timeout: float) -> Iterator[str]:
    deadline = time.monotonic() + timeout
    pending = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([stream], [], [], left)[0]:
            return
        received = stream.read1(65536)  # type: ignore[attr-defined]
        if not received:
            return
        *whole, pending = (pending + received).split(b"\n")
        yield from (line.decode() for line in whole)
