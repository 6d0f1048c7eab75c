"""Reads the text of a `pattern` into the program of `pattern.Pattern`.

Uses the parser of Python's `re` and nothing else of it; imported only when there is a pattern to
read. Classes are ASCII. Refused: back-references, look-around, nested unbounded repeats, atomic and
possessive groups, flags, and what would need more than MAX_STEPS steps.
"""

from __future__ import annotations

import re
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from remit.policy.characters import DIGITS, LETTERS
from remit.policy.pattern import Pattern, Place, Step, Test

MAX_STEPS = 2000
MAX_LENGTH = 1000

_CLASSES = {
    "DIGIT": frozenset(DIGITS),
    "SPACE": frozenset(" \t\n\r\f\v"),
    "WORD": frozenset(DIGITS + LETTERS + "_"),
}
_REFUSED = {
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a back-reference",
    "ASSERT": "look-around",
    "ASSERT_NOT": "look-around",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repeat",
}
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")


class ExpressionError(ValueError):
    """The pattern cannot be loaded; `str()` says what was found."""


def read_expression(text: str) -> Pattern:
    """Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{len(text)} characters, more than {MAX_LENGTH}")
    try:
        tree = _parser.parse(text, re.ASCII)
        if tree.state.flags != re.ASCII:
            raise ExpressionError("a flag; a pattern is matched as it is written")
        builder = _Builder()
        builder.sequence(tree, False)
    except re.error as error:
        raise ExpressionError(f"no regular expression: {error}") from None
    except (OverflowError, RecursionError):
        raise ExpressionError("too many repetitions or brackets") from None
    return Pattern([*builder.steps, Step()])


class _Builder:
    """Appends steps; each part begins where it is written and ends at the next free step."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._work = 0

    def sequence(self, tree: Any, repeated: bool) -> None:
        """`repeated`: within an unbounded repeat."""
        for operator, argument in tree:
            self._work += 1
            if max(self._work, len(self.steps)) > MAX_STEPS:
                raise ExpressionError("too many repetitions to match in reasonable time")
            self._part(str(operator), argument, repeated)

    def _part(self, operator: str, argument: Any, repeated: bool) -> None:
        if operator in _REFUSED:
            raise ExpressionError(_REFUSED[operator])
        if operator == "BRANCH":
            self._branch(argument[1], repeated)
        elif operator == "SUBPATTERN":
            if argument[1] or argument[2]:
                raise ExpressionError("a flag; a pattern is matched as it is written")
            self.sequence(argument[3], repeated)
        elif operator in _REPEATS:
            low, high, repeatable = argument
            self._repeat(low, high, repeatable, repeated)
        elif operator == "AT":
            here = len(self.steps)
            self.steps.append(Step(targets=(here + 1,), place=_place(str(argument))))
        else:
            self.steps.append(Step(_test(operator, argument)))

    def _branch(self, alternatives: list[Any], repeated: bool) -> None:
        split = self._append()
        ends = []
        starts = []
        for alternative in alternatives:
            starts.append(len(self.steps))
            self.sequence(alternative, repeated)
            ends.append(self._append())
        self.steps[split].targets = tuple(starts)
        for end in ends:
            self.steps[end].targets = (len(self.steps),)

    def _repeat(self, low: int, high: Any, tree: Any, repeated: bool) -> None:
        unbounded = high == _parser.MAXREPEAT
        if unbounded and repeated:
            raise ExpressionError("an unbounded repeat within another")
        if low > MAX_STEPS or (not unbounded and high > MAX_STEPS):
            raise ExpressionError("too many repetitions to match in reasonable time")
        for _ in range(low):
            self.sequence(tree, repeated or unbounded)
            self._work += 1
        if unbounded:
            split = self._append()
            self.sequence(tree, True)
            back = self._append()
            self.steps[back].targets = (split,)
            self.steps[split].targets = (split + 1, len(self.steps))
        else:
            self._options(high - low, tree, repeated)

    def _options(self, count: int, tree: Any, repeated: bool) -> None:
        splits = []
        for _ in range(count):
            splits.append(self._append())
            self.sequence(tree, repeated)
        for split in splits:
            self.steps[split].targets = (split + 1, len(self.steps))

    def _append(self) -> int:
        self.steps.append(Step())
        return len(self.steps) - 1


def _test(operator: str, argument: Any) -> Test:
    if operator == "ANY":
        return lambda c: c != "\n"
    if operator == "LITERAL":
        return chr(argument).__eq__
    if operator == "NOT_LITERAL":
        return chr(argument).__ne__
    if operator == "IN":
        return _class_test(argument)
    raise ExpressionError(f"an element that remit does not know ({operator.lower()})")


def _class_test(members: Any) -> Test:
    negated = str(members[0][0]) == "NEGATE"
    tests = [_member_test(str(kind), what) for kind, what in members[negated:]]
    if negated:
        return lambda c: not any(test(c) for test in tests)
    return lambda c: any(test(c) for test in tests)


def _member_test(kind: str, what: Any) -> Test:
    if kind == "LITERAL":
        return chr(what).__eq__
    if kind == "RANGE":
        low, high = chr(what[0]), chr(what[1])
        return lambda c: low <= c <= high
    name = str(what).removeprefix("CATEGORY_")
    members = _CLASSES[name.removeprefix("NOT_")]
    if name.startswith("NOT_"):
        return lambda c: c not in members
    return members.__contains__


def _is_boundary(value: str, position: int) -> bool:
    word = _CLASSES["WORD"]
    before = position > 0 and value[position - 1] in word
    return before != (position < len(value) and value[position] in word)


def _place(name: str) -> Place:
    if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        return lambda value, position: position == 0
    if name in ("AT_END", "AT_END_STRING"):
        return lambda value, position: position == len(value)
    if name == "AT_BOUNDARY":
        return _is_boundary
    return lambda value, position: not _is_boundary(value, position)
