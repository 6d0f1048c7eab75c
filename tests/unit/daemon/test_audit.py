"""The journal's events: fields as promised, and nothing that a user supplies can pass for more."""

from __future__ import annotations

import pytest

from remit.daemon.audit import EVENTS, FIELDS, Audit, escape
from remit.system.journal import Journal


class Taken(Journal):
    """Stands for the journal: keeps what would be sent."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []

    def send(self, fields: object) -> bool:
        assert isinstance(fields, dict)
        self.entries.append(fields)
        return True


def test_an_event_has_its_id_its_sentence_and_its_fields() -> None:
    journal = Taken()
    Audit(journal).note("allowed", user="cjones", endpoint="web", command="df -h", session="ab")
    (entry,) = journal.entries
    assert entry["MESSAGE"] == "cjones in web: df -h"
    assert entry["MESSAGE_ID"] == EVENTS["allowed"].id
    assert entry["REMIT_USER"] == "cjones"
    assert entry["REMIT_COMMAND"] == "df -h"
    assert entry["REMIT_SESSION"] == "ab"
    assert "REMIT_REASON" not in entry


def test_what_is_not_known_is_a_dash_and_no_field() -> None:
    journal = Taken()
    Audit(journal).note("denied", user="cjones")
    assert journal.entries[0]["MESSAGE"] == "authentication of cjones from - failed: -"


def test_a_field_that_is_not_ours_is_not_written() -> None:
    journal = Taken()
    Audit(journal).note("denied", user="cjones", PRIORITY="0", message="forged")
    assert {key for key in journal.entries[0] if key.startswith("REMIT_")} == {
        "REMIT_EVENT",
        "REMIT_USER",
    }
    assert journal.entries[0]["PRIORITY"] == "4"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä", "plain ä"),
        ("a\nMESSAGE=forged", r"a\nMESSAGE=forged"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\u2066x", r"\u2066x"),
        ("\udc80", r"\udc80"),
        ("{reason}", "{reason}"),
    ],
)
def test_text_of_users_is_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown
    journal = Taken()
    Audit(journal).note("refused", user="u", endpoint="e", command=text)
    assert journal.entries[0]["REMIT_COMMAND"] == shown
    assert journal.entries[0]["MESSAGE"] == f"u in e: refused: {shown}"


def test_the_ids_are_all_different_and_well_formed() -> None:
    ids = [event.id for event in EVENTS.values()]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 32 and int(each, 16) for each in ids)
    assert all(name == name.lower() for name in FIELDS)
