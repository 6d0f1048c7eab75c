"""Patterns: the same language as Python's `re` in full and in ASCII, in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from remit.policy.expression import ExpressionError, read_expression

atoms = st.sampled_from(
    ["a", "b", ".", r"\d", r"\w", r"\W", r"\s", r"\S", r"\D", "[ab]", "[^a]", r"[^\d_]", "[a-c-]",
     "^", "$", r"\b", r"\B", r"\A", r"\Z", r"\.", "0", "-", "\u00e9"]
)  # fmt: skip
repeats = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{,2}", "{1,}", "*?", "+?", "??"])
patterns = st.recursive(
    st.lists(st.builds("".join, st.tuples(atoms, repeats)), max_size=4).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("|".join),
        st.builds("({}){}".format, inner, repeats),
        st.builds("(?:{})(?P<x>{})".format, inner, inner),
        st.builds("".join, st.tuples(inner, inner)),
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(patterns, st.lists(st.text("ab0_-. \u00e9\u0661", min_size=1, max_size=6), max_size=30))
def test_agrees_with_re(pattern: str, values: list[str]) -> None:
    try:
        ours = read_expression(pattern)
    except ExpressionError:
        assume(False)
        raise
    theirs = re.compile(pattern, re.ASCII)
    for value in values + values:  # the second time what was remembered answers
        assert ours.matches(value) == bool(theirs.fullmatch(value)), value


@pytest.mark.parametrize(
    "pattern, value",
    [
        ("(a|a)*b", "a" * 256),
        ("(a|ab|b)*c", "ab" * 128),
        ("(a?){100}a{100}b", "a" * 256),
        (".*.*.*.*.*x", "a" * 256),
        ("[a-z]{0,90}[a-z]{0,90}[a-z]{0,90}!", "a" * 256),
    ],
)
def test_takes_no_more_time_than_the_value_is_long(pattern: str, value: str) -> None:
    read = read_expression(pattern)
    start = time.process_time()
    assert not read.matches(value)
    assert time.process_time() - start < 1


def test_a_trailing_newline_is_no_end() -> None:
    for pattern in ("a", "a$", "^a$", r"a\Z"):
        assert read_expression(pattern).matches("a")
        assert not read_expression(pattern).matches("a\n")
