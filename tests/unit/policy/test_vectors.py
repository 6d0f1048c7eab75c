"""vectors.txt: what the grammar says, as requests and their verdicts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.policy.errors import UsageError
from remit.policy.match import Match, Mismatch, match
from remit.policy.parameter import parse_parameter
from remit.policy.usage import parse_usage

TABLES: dict[str, dict[str, object]] = {
    "UNIT": {"unit": ["nginx.service"]},
    "NUM": {"integer": [0, 9]},
    "WORD": {"pattern": "[a-z]+"},
    "TEXT": {"text": True},
    "ANY": {"any": True},
    "FLAGS": {"flags": "tl"},
    "WHEN": {"pattern": r"today|-\d[hm]|\d{4}-\d\d-\d\d"},
    "SIDE": {"values": ["left", "right"]},
}
PARAMETERS = {name: parse_parameter(name, table) for name, table in TABLES.items()}
FRAGMENTS = {
    "paging": "[-n NUM | --lines=NUM | --lines NUM]",
    "nested": "x <paging>",
    "loose": "a | b",
    "bracket": "a) (b",
}
FIELDS = {"caller": "alice", "uid": "1000", "home": "/home/alice", "endpoint": "e", "session": "s"}


def unescaped(text: str) -> str:
    return re.sub(
        r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})", lambda m: chr(int(m[1] or m[2], 16)), text
    )


def vectors() -> Iterator[tuple[str, str, str, str, str]]:
    """(place, mark, usage, request, what is said of it)"""
    path = Path(__file__).with_name("vectors.txt")
    usage = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if mark in ("+", "-", "!"):
            separator = "=>" if mark == "+" else "@"
            before, found, after = f" {rest}".rpartition(f" {separator}")
            request = (before if found else rest).strip()
            yield f"line {number}", mark, usage, request, after.strip() if found else ""
        elif mark == "usage":
            usage = rest
        else:
            assert not line or mark == "#", f"line {number}"


VECTORS = [pytest.param(*rest, id=place) for place, *rest in vectors()]


@pytest.mark.parametrize("mark, usage, request_, said", VECTORS)
def test_vector(mark: str, usage: str, request_: str, said: str) -> None:
    if mark == "!":
        return refuses_to_load(unescaped(request_), said)
    parsed = parse_usage(usage, PARAMETERS, FRAGMENTS)
    assert parse_usage(parsed.text, PARAMETERS) == parsed
    argv = [unescaped(argument) for argument in shlex.split(request_)]
    outcome = match(parsed, argv, FIELDS)
    if mark == "+":
        assert isinstance(outcome, Match)
        expected = [tuple(unescaped(each).split("=", 1)) for each in shlex.split(said)]
        assert list(outcome.bindings) == expected
    else:
        assert isinstance(outcome, Mismatch)
        assert outcome.position == int(said)
    return None


def refuses_to_load(text: str, said: str) -> None:
    column, _, words = said.partition(" ")
    with pytest.raises(UsageError) as caught:
        parse_usage(text, PARAMETERS, FRAGMENTS)
    assert (caught.value.column, words in str(caught.value)) == (int(column), True), caught.value


def test_the_table_is_large_and_has_both_verdicts() -> None:
    marks = [mark for _, mark, *_ in vectors()]
    assert marks.count("+") > 60
    assert marks.count("-") > 100
    assert marks.count("!") > 40
