"""Words that may share an argument: never missed, and not cried over for nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.policy.ambiguity import may_share
from remit.policy.parameter import parse_parameter
from remit.policy.tree import Word
from remit.policy.usage import parse_usage
from remit.policy.word import match_word

PARAMETERS = {
    "TEXT": parse_parameter("TEXT", {"text": True}),
    "ANY": parse_parameter("ANY", {"any": True, "empty": True}),
    "NUM": parse_parameter("NUM", {"integer": [-1, 11]}),
    "SIDE": parse_parameter("SIDE", {"values": ["a", "=", "-x"], "empty": True}),
    "SIDES": parse_parameter("SIDES", {"values": ["a", "x"], "list": "="}),
    "FLAGS": parse_parameter("FLAGS", {"flags": "xa"}),
    "OTHER": parse_parameter("OTHER", {"flags": "1"}),
}
FIELDS = {"caller": "a"}
PIECES = ["-x", "-", "a", "=", "'-x'", *(f"{{{name}}}" for name in PARAMETERS), "{caller}"]
ARGUMENTS = ["".join(drawn) for n in range(5) for drawn in itertools.product("-xa=1", repeat=n)]


def word(text: str) -> Word:
    return parse_usage(text, PARAMETERS).words[0]


forms = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(tuple)
texts = st.builds(
    lambda head, tail: "".join(head) + (f"[{''.join(tail)}]" if tail else ""),
    forms, st.one_of(st.none(), forms),
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(texts, texts)
def test_no_shared_argument_is_missed(one: str, two: str) -> None:
    try:
        a, b = word(one), word(two)
    except ValueError:
        return
    assert may_share(a, b) == may_share(b, a)
    if not may_share(a, b):
        for argument in ARGUMENTS:
            both = [match_word(each, argument, FIELDS) is not None for each in (a, b)]
            assert both != [True, True], argument


@pytest.mark.parametrize(
    "one, two, shared",
    [
        ("-l", "-l", True),
        ("-l", "-L", False),
        ("--a", "--ab", False),
        ("--a[=TEXT]", "--a", True),
        ("--a=TEXT", "--a", False),
        ("--a=TEXT", "--b=TEXT", False),
        ("--a=TEXT", "--a=NUM", True),
        ("--a=NUM", "--a=x", False),
        ("--a=NUM", "--a=5", True),
        ("--a={TEXT}.x", "--a={TEXT}.a", False),
        ("--a=SIDE", "--a=NUM", False),
        ("FLAGS", "OTHER", False),
        ("FLAGS", "FLAGS", True),
        ("FLAGS", "-x", True),
        ("FLAGS", "-xx", False),
        ("FLAGS", "--x", False),
        ("FLAGS", "-1", False),
        ("FLAGS", "-x{NUM}", True),
        ("FLAGS", "--all=TEXT", False),
        ("--u={caller}", "--u=x", True),
    ],
)
def test_may_share(one: str, two: str, shared: bool) -> None:
    assert may_share(word(one), word(two)) is shared
