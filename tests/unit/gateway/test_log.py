"""Log lines: their form, their number, and that nothing in them moves a terminal."""

from __future__ import annotations

import io

import pytest

from remit.gateway.log import ERROR, NOTICE, Log, escape


class Clock:
    """Time that the test makes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_have_priority_and_peer() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log.write(ERROR, "no room")
    log.about("192.0.2.1:5", "it spoke plain HTTP")
    assert stream.getvalue() == f"<3>no room\n<{NOTICE}>192.0.2.1:5: it spoke plain HTTP\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grün", "grün"),
        ("a\nb", r"a\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202eevil", r"\u202eevil"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_lines_are_short() -> None:
    stream = io.StringIO()
    Log(stream).write(NOTICE, "x" * 10_000)
    assert len(stream.getvalue()) < 600


def test_too_many_are_counted() -> None:
    stream, clock = io.StringIO(), Clock()
    log = Log(stream, most=2, period=10.0, clock=clock)
    for _ in range(5):
        log.about("peer", "text")
    assert stream.getvalue().count("peer") == 2
    clock.now = 10.0
    log.about("peer", "later")
    assert stream.getvalue().splitlines()[2:] == [
        "<4>3 more such lines left out",
        "<5>peer: later",
    ]


def test_the_gates_own_lines_are_never_left_out() -> None:
    stream = io.StringIO()
    log = Log(stream, most=0)
    log.write(ERROR, "important")
    assert "important" in stream.getvalue()


def test_a_journal_that_is_away_stops_nothing() -> None:
    class Broken(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    Log(Broken()).write(ERROR, "lost")


def test_a_defect_says_where_and_not_what() -> None:
    stream = io.StringIO()
    try:
        raise RuntimeError("what a peer said")
    except RuntimeError as error:
        Log(stream).defect(error)
    assert "RuntimeError in test_a_defect_says_where_and_not_what" in stream.getvalue()
    assert "what a peer said" not in stream.getvalue()
