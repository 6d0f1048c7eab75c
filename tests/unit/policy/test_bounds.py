"""Bounds: what is out of them is refused, never an exception, and what is just within is not."""

from __future__ import annotations

import random

import pytest

from remit.policy.command import Command, Policy, Role
from remit.policy.decide import Allowed, Refused, decide
from remit.policy.errors import PolicyError, UsageError
from remit.policy.match import Match, match
from remit.policy.parameter import parse_parameter
from remit.policy.refusal import render
from remit.policy.usage import parse_usage

PARAMETERS = {
    "TEXT": parse_parameter("TEXT", {"text": True}),
    "SECRET": parse_parameter("SECRET", {"any": True, "secret": True}),
}
ANYTHING = parse_usage("TEXT...", PARAMETERS)


@pytest.mark.parametrize(
    "within, beyond",
    [
        (["x"] * 256, ["x"] * 257),
        (["x" * 4096], ["x" * 4097]),
        (["x" * 4096] * 16, [*["x" * 4096] * 16, "x"]),
        (["\u20ac" * 4096] * 5, ["\u20ac" * 4096] * 6),
    ],
)
def test_arguments(within: list[str], beyond: list[str]) -> None:
    assert isinstance(match(ANYTHING, within, {}), Match)
    assert not isinstance(match(ANYTHING, beyond, {}), Match)


@pytest.mark.parametrize(
    "within, beyond",
    [
        ("a " * 199 + "a", "a " * 200 + "a"),
        ("(a) " * 100, "(a) " * 100 + "a"),
        ("(" * 8 + "a" + ")" * 8, "(" * 9 + "a" + ")" * 9),
        ("[" * 8 + "a" + "]" * 8, "x(" * 9),
        ("'" + "a" * 16382 + "'", "'" + "a" * 16383 + "'"),
    ],
)
def test_usages(within: str, beyond: str) -> None:
    if within[0] != "[":  # [[a]]: an alternative that can match nothing
        parse_usage(within, PARAMETERS)
    with pytest.raises(UsageError):
        parse_usage(beyond, PARAMETERS)


def test_fragments_count_where_they_stand() -> None:
    parse_usage("<x> " * 20, PARAMETERS, {"x": "a " * 10})
    with pytest.raises(UsageError, match="200 elements"):
        parse_usage("<x> " * 21, PARAMETERS, {"x": "a " * 10})


def with_usages(*usages: str) -> Policy:
    role = Role("r", PARAMETERS, {"c": Command("c", "/c", usages, role="r")})
    return Policy("e", "command", (role,), {})


def test_usages_of_a_command() -> None:
    with_usages(*["a"] * 64).compile()
    for count in (0, 65):
        with pytest.raises(PolicyError) as caught:
            with_usages(*["a"] * count).compile()
        assert caught.value.key == "commands.c.usage"
        assert f"{count} usages" in caught.value.found


def test_running_out_of_states_refuses() -> None:
    """Members that swallow each other's beginnings, required, and more than once: 2^n ways."""
    parameters = {"ANY": parse_parameter("ANY", {"any": True})}
    usage = parse_usage(" ".join(f"(-{n} [ANY...])" for n in range(40)) + " end", parameters)
    argv = [f"-{n}" for n in range(40)] * 3
    assert not isinstance(match(usage, [*argv, "end"], {}), Match)
    few = parse_usage(" ".join(f"(-{n} [ANY...])" for n in range(5)) + " end", parameters)
    assert isinstance(match(few, [*argv[:5], "-1", "-2", "end"], {}), Match)


PIECES = [
    "", "-", "--", "a", "-a", "=", "--a=", "\x00", "\n", "\x1b[31m", "\u202e", "\ud800", "\udcff",
    "\u0661", "x" * 5000, "\U0010ffff", "{caller}", "'", "...", "*", "***", "[", "|", "\\",
]  # fmt: skip
SYNTAX = [
    "a", "-x", "TEXT", "{TEXT}", "{", "}", "[", "]", "(", ")", "|", " ", "...", "'", '"', "=",
    "<f>", "<", ">", "\t", "\u00e9", "NOPE", "{caller}", "''",
]  # fmt: skip


def test_no_request_makes_anything_raise() -> None:
    rng = random.Random(2)
    options = "[-a] [--a=TEXT]... [TEXT]"
    policy = with_usages(
        "", options, "TEXT=TEXT a", "[--a[=SECRET]] SECRET...", "(a | '[') {caller}"
    )
    for _ in range(3000):
        count = rng.choice([0, 1, 2, 3, 5, 20, 300])
        argv = ["".join(rng.choices(PIECES, k=rng.choice([1, 1, 2, 3]))) for _ in range(count)]
        decision = decide(policy, [rng.choice(["c", "/c", *PIECES]), *argv], lambda _: True)
        if isinstance(decision, Refused):
            text = render(decision)
            text.encode()
            assert len(text) < 20_000
            assert all(line.isprintable() for line in text.split("\n")), text
        else:
            assert isinstance(decision, Allowed)
            assert decision.argv[1:] == tuple(argv)


def test_no_text_makes_the_parser_raise_anything_else() -> None:
    rng = random.Random(3)
    loaded = 0
    for _ in range(5000):
        text = "".join(rng.choices(SYNTAX, k=rng.randrange(1, 10)))
        problem = None
        try:
            usage = parse_usage(text, PARAMETERS, {"f": "[-f TEXT]"})
        except UsageError as error:
            problem = error
        if problem is None:
            loaded += 1
            assert parse_usage(usage.text, PARAMETERS) == usage
        else:
            assert problem.sentence
            assert 1 <= (problem.column or 0) <= len(text) + 1
    assert loaded > 200
