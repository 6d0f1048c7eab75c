"""The record of what remit did and refused, in the main journal.

Owns the events, their ids and their fields. Text that users supplied is escaped here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from remit.system.journal import Journal

WARNING = 4
NOTICE = 5
INFO = 6


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of event: its MESSAGE_ID, syslog priority and sentence."""

    id: str
    priority: int
    sentence: str


EVENTS: Mapping[str, Event] = {
    "authenticated": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b001", INFO, "{user} authenticated from {peer}"
    ),
    "denied": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b002",
        WARNING,
        "authentication of {user} from {peer} failed: {reason}",
    ),
    "not-admitted": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b003",
        WARNING,
        "{user} from {peer} was not admitted to {endpoint}: {reason}",
    ),
    "opened": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b004",
        INFO,
        "session {session} of {user} on {endpoint} opened from {peer}",
    ),
    "failed": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b005",
        WARNING,
        "no session for {user} on {endpoint}: {reason}",
    ),
    "attached": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b006",
        INFO,
        "session {session} attached by {user} from {peer}",
    ),
    "detached": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b007", INFO, "session {session} detached: {reason}"
    ),
    "allowed": Event("2b2d6de2cc8b4b0a9c2d36b5d4f9b008", INFO, "{user} in {endpoint}: {command}"),
    "refused": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b009", NOTICE, "{user} in {endpoint}: refused: {command}"
    ),
    "exited": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b00a", INFO, "{user} in {endpoint}: {command} ended: {reason}"
    ),
    "closed": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b00b",
        INFO,
        "session {session} of {user} on {endpoint} closed: {reason}",
    ),
    "protocol": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b00c",
        WARNING,
        "the protocol was broken by {peer}: {reason}",
    ),
    "endpoint": Event("2b2d6de2cc8b4b0a9c2d36b5d4f9b00d", WARNING, "{reason}"),
    "defect": Event("2b2d6de2cc8b4b0a9c2d36b5d4f9b00e", 3, "a defect in remit: {reason}"),
    "reloaded": Event("2b2d6de2cc8b4b0a9c2d36b5d4f9b00f", INFO, "endpoints reloaded: {reason}"),
    "inside": Event(
        "2b2d6de2cc8b4b0a9c2d36b5d4f9b010",
        WARNING,
        "a process inside a session was refused at {peer}",
    ),
}

FIELDS = (
    "user",
    "run_as",
    "endpoint",
    "session",
    "peer",
    "command",
    "role",
    "usage",
    "code",
    "reason",
    "request",
    "time",
)


class Audit:
    """Writes events. `fields` are of FIELDS; each becomes REMIT_NAME=."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def note(self, event: str, **fields: str) -> None:
        kind = EVENTS[event]
        clean = {key: escape(fields[key]) for key in FIELDS if fields.get(key)}
        entry = {
            "MESSAGE": kind.sentence.format_map(_Dashes(clean)),
            "MESSAGE_ID": kind.id,
            "PRIORITY": str(kind.priority),
            "SYSLOG_IDENTIFIER": "remitd",
            "REMIT_EVENT": event,
        }
        entry.update((f"REMIT_{key.upper()}", value) for key, value in clean.items())
        self._journal.send(entry)


class _Dashes(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "-"


def escape(text: str) -> str:
    """The text with everything escaped that a terminal or a reader might take for something
    else: control characters, surrogates, and the marks that change the direction of writing."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
