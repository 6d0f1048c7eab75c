"""What a person reads: nothing that moves his cursor."""

from __future__ import annotations

import pytest

from remit.client.render import clean, clean_lines, render_span, render_table


@pytest.mark.parametrize(
    "text, shown",
    [
        ("Password: ", "Password: "),
        ("käse …", "käse …"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\x00\x7f\x9b", "a\\rb\\x00\\x7f\\x9b"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("one\ntwo", "one\\ntwo"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert clean(text).isprintable()


def test_clean_lines_keeps_lines_only() -> None:
    assert clean_lines("refused: x\n\t^ \x1b[m\r\n") == "refused: x\n        ^ \\x1b[m\\r\n"


@pytest.mark.parametrize("line", ["remit: x", " remit: x", "\tremit: x", "\xa0remit: x"])
def test_clean_lines_has_no_second_line_of_ours(line: str) -> None:
    first, second, last = clean_lines(f"one\n{line}\n").split("\n")
    assert (first, last) == ("one", "")
    assert second.startswith("  ")
    assert not second.startswith("remit: ")


def test_table() -> None:
    text = render_table(("ID", "NAME"), [("1", ""), ("22", "u\x1bp")])
    assert text == "ID  NAME\n1   -\n22  u\\x1bp\n"


@pytest.mark.parametrize(
    "seconds, text", [(0, "0s"), (59, "59s"), (60, "1m"), (7500, "2h 5m"), (90061, "1d 1h")]
)
def test_span(seconds: int, text: str) -> None:
    assert render_span(seconds) == text
