"""Usages: canonical print, what they use, where errors point, and what may come next."""

from __future__ import annotations

import pytest

from remit.policy.errors import PolicyError, UsageError
from remit.policy.match import Match, Mismatch, match
from remit.policy.parameter import parse_parameter
from remit.policy.usage import parse_usage, unused_parameters

PARAMETERS = {
    "UNIT": parse_parameter("UNIT", {"unit": ["nginx.service"]}),
    "NUM": parse_parameter("NUM", {"integer": [0, 9]}),
}
FRAGMENTS = {"n": "[-n NUM | --lines=NUM]", "bad": "[-n NUM"}


@pytest.mark.parametrize(
    "text, printed",
    [
        ("", ""),
        ("  ", ""),
        ("( a|b )  [ c ]...", "(a | b) [c]..."),
        ("'a' \"b\"", "a b"),
        ("'POST' 'UNIT' 'a b'", "'POST' 'UNIT' 'a b'"),
        ("\"it's\"", "'it'\"'\"'s'"),
        ("{UNIT} {UNIT}x {UNIT}=y", "UNIT {UNIT}x UNIT=y"),
        ("'a='{UNIT}", "a=UNIT"),
        ("'...' 'a...' a... a....", "'...' 'a...' a... a...."),
        ("--c['=x']", "--c[=x]"),
        ("''x a['']", "x a['']"),
        ("-HUP -'UNIT'", "-HUP '-UNIT'"),
        ("{caller}x", "{caller}x"),
        ("<n> x <n>", "[-n NUM | --lines=NUM] x [-n NUM | --lines=NUM]"),
    ],
)
def test_print(text: str, printed: str) -> None:
    usage = parse_usage(text, PARAMETERS, FRAGMENTS)
    assert usage.text == str(usage) == printed
    assert parse_usage(printed, PARAMETERS) == usage


def test_usages_are_equal_by_tree() -> None:
    assert parse_usage("[a|b]", {}) == parse_usage("[ a | b ]", {})
    assert parse_usage("[a|b]", {}) != parse_usage("[b|a]", {})
    other = {"NUM": parse_parameter("NUM", {"integer": [0, 8]})}
    assert parse_usage("NUM", PARAMETERS) != parse_usage("NUM", other)


def test_what_a_usage_uses() -> None:
    usage = parse_usage("a[=NUM] [{home}/x] (UNIT | NUM)", PARAMETERS)
    assert (usage.names, usage.fields) == (("NUM", "UNIT"), ("home",))
    assert unused_parameters(PARAMETERS, [usage]) == ()
    assert unused_parameters(PARAMETERS, [parse_usage("NUM", PARAMETERS)]) == ("UNIT",)


def test_columns_are_those_of_the_text_as_given() -> None:
    for text, column in [("<n> POST", 5), ("a <bad>", 3), ("<n> x <none>", 7), ("'<' POST", 5)]:
        with pytest.raises(UsageError) as caught:
            parse_usage(text, PARAMETERS, FRAGMENTS)
        assert caught.value.column == column


def test_an_error_is_one_sentence_with_its_place() -> None:
    with pytest.raises(UsageError) as caught:
        parse_usage("get POST", PARAMETERS)
    error = caught.value
    assert (error.key, error.found, error.expected) == ("", "POST", "a parameter")
    assert str(error) == "column 5: POST is no parameter here; for the word itself write 'POST'"
    outer = error.at("usage[2]").at("commands.get")
    assert isinstance(outer, UsageError)
    assert str(outer).startswith("commands.get.usage[2], column 5: POST is no parameter")
    assert str(PolicyError("a.b", "5", "a string")) == "a.b: found 5, expected a string"


@pytest.mark.parametrize(
    "argv, expected, may_end",
    [
        ("", ("show", "-x"), False),
        ("show", ("-l", "--full", "-n", "-e", "UNIT"), False),
        ("show -l", ("-n", "-e", "UNIT"), False),
        ("show -n", ("NUM",), False),
        ("show -e 1 -n 1", ("-l", "--full", "-e", "UNIT"), False),
        ("show nginx", ("more",), True),
        ("show nginx more", (), True),
    ],
)
def test_what_may_come_next(argv: str, expected: tuple[str, ...], may_end: bool) -> None:
    """A set offers only the members that are still permitted."""
    usage = parse_usage("(show | -x x) [-l | --full] [-n NUM] [-e NUM]... UNIT [more]", PARAMETERS)
    arguments = [*argv.split(), "\0"]
    outcome = match(usage, arguments, {})
    assert isinstance(outcome, Mismatch)
    assert outcome.position == len(arguments) - 1
    assert outcome.may_end is may_end
    assert outcome.expected == expected
    if not may_end:
        missing = match(usage, arguments[:-1], {})
        assert isinstance(missing, Mismatch)
        assert (missing.position, missing.expected) == (outcome.position, outcome.expected)
    else:
        assert isinstance(match(usage, arguments[:-1], {}), Match)
