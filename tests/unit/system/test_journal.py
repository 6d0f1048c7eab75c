"""Journal entries: framed so that no value can become a field."""

from __future__ import annotations

import socket
from pathlib import Path

from remit.system.journal import MAX_ENTRY, Journal, encode_entry


def test_one_line_is_key_and_value() -> None:
    assert encode_entry({"MESSAGE": "a=b", "PRIORITY": "6"}) == b"MESSAGE=a=b\nPRIORITY=6\n"


def test_a_value_with_lines_has_its_length_before_it() -> None:
    found = encode_entry({"MESSAGE": "a\nPRIORITY=0"})
    assert found == b"MESSAGE\n" + (12).to_bytes(8, "little") + b"a\nPRIORITY=0\n"


def test_huge_values_are_cut() -> None:
    assert len(encode_entry({"A": "x" * MAX_ENTRY * 2, "B": "y" * MAX_ENTRY})) <= MAX_ENTRY


def test_surrogates_do_not_stop_an_entry() -> None:
    assert encode_entry({"A": "\udc80"}) == b"A=\\udc80\n"


def test_an_entry_arrives_or_its_loss_is_told(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    journal = Journal(str(path))
    assert not journal.send({"A": "b"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        assert journal.send({"A": "b"})
        assert listening.recv(100) == b"A=b\n"
    journal.close()
