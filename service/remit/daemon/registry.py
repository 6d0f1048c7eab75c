"""The records of sessions, one JSON file each, which outlive remitd and know their boot.

Owns the files and their validation on load. Does not know whether a session still runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from remit.system.storage import write_whole

DIRECTORY = Path("/var/lib/remit/sessions")
ID = re.compile(r"[0-9a-f]{32}")
NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
TOMBSTONE_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Record:
    """What remitd knows of a session. Times are seconds of the wall clock; `ended` is 0 and
    `reason` empty while it lives. `account_uid` is a virtual account's, with a record in userdb."""

    id: str
    name: str
    owner: str
    uid: int
    endpoint: str
    run_as: str
    account_uid: int
    boot: str
    invocation: str
    created: int
    peer: str
    idle_timeout: int
    max_lifetime: int
    ended: int = 0
    reason: str = ""

    def is_alive(self) -> bool:
        return self.ended == 0

    def end(self, when: int, reason: str) -> Record:
        return replace(self, ended=when, reason=reason)


class Registry:
    """All records, in memory and on disk."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._directory = directory
        self._records: dict[str, Record] = {}

    def load(self) -> list[str]:
        """Read every record; returns what was wrong with files that are left aside, renamed."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        faults = []
        for path in sorted(self._directory.glob("*.json")):
            try:
                record = parse_record(path.read_bytes())
                if path.stem != record.id:
                    raise ValueError("the file's name is not the session's id")
            except (OSError, ValueError) as error:
                faults.append(f"{path}: {error}")
                path.rename(path.with_suffix(".bad"))
            else:
                self._records[record.id] = record
        return faults

    def put(self, record: Record) -> None:
        """Add or replace a record. OSError if the disk does not take it; memory has it then."""
        self._records[record.id] = record
        content = json.dumps(asdict(record)).encode()
        write_whole(self._directory / f"{record.id}.json", content, durable=False)

    def drop(self, session: str) -> None:
        self._records.pop(session, None)
        (self._directory / f"{session}.json").unlink(missing_ok=True)

    def forget_before(self, when: int) -> None:
        """Drop what ended before a time."""
        for record in list(self._records.values()):
            if not record.is_alive() and record.ended < when:
                self.drop(record.id)

    def get(self, session: str) -> Record | None:
        return self._records.get(session)

    def all(self) -> list[Record]:
        return list(self._records.values())

    def living(self) -> list[Record]:
        return [record for record in self._records.values() if record.is_alive()]

    def find(self, uid: int, handle: str) -> Record | None:
        """A user's own session by name, id or beginning of an id, in this order; living first."""
        own = [record for record in self._records.values() if record.uid == uid]
        own.sort(key=lambda record: (not record.is_alive(), -record.ended, -record.created))
        by_name = [record for record in own if record.name and record.name == handle]
        if by_name and by_name[0].is_alive():
            return by_name[0]
        by_id = [record for record in own if len(handle) >= 4 and record.id.startswith(handle)]
        alive = [record for record in by_id if record.is_alive()] or by_id
        if len(alive) == 1:
            return alive[0]
        return by_name[0] if by_name else None


def parse_record(content: bytes) -> Record:
    """A record from its file. ValueError says what is wrong."""
    table = json.loads(content)
    if not isinstance(table, dict):
        raise ValueError("not a JSON object")
    known = {field.name: field.type for field in fields(Record)}
    if set(table) != set(known):
        raise ValueError(f"unexpected or missing keys: {sorted(set(table) ^ set(known))}")
    for key, type_ in known.items():
        if type(table[key]).__name__ != type_:
            raise ValueError(f"{key} is not of type {type_}")
    record = Record(**table)
    if not ID.fullmatch(record.id) or (record.name and not NAME.fullmatch(record.name)):
        raise ValueError("an id or name that cannot be")
    return record
