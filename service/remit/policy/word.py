"""Matches one argument against one word. No back-tracking: a value ends where the text begins
that follows it, or at the text that ends the word.
"""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.parameter import Parameter
from remit.policy.structure import Value
from remit.policy.tree import Field, Form, Hole, Literal, Word


class Span(Value):
    """Where a parameter's value stands in an argument."""

    __slots__ = ("parameter", "start", "end")

    def __init__(self, parameter: Parameter, start: int, end: int) -> None:
        self.parameter = parameter
        self.start = start
        self.end = end


Spans = tuple[Span, ...]


def match_word(word: Word, argument: str, fields: Mapping[str, str]) -> Spans | None:
    """The values in `argument`, of the word's first form that matches; None if none does."""
    for form in word.forms:
        spans = match_form(form, argument, fields)
        if spans is not None:
            return spans
    return None


def match_form(form: Form, argument: str, fields: Mapping[str, str]) -> Spans | None:
    """The values in `argument`, or None. A field that `fields` lacks matches nothing."""
    spans: list[Span] = []
    position = 0
    for hole, text, ends in _stretches(form, fields):
        if text is None:
            return None
        if hole is None:
            found = position if argument.startswith(text, position) else -1
        elif ends:
            found = len(argument) - len(text) if argument.endswith(text) else -1
        else:
            found = argument.find(text, position)
        if found < position:
            return None
        if hole is not None:
            if not hole.parameter.matches(argument[position:found], position == 0):
                return None
            spans.append(Span(hole.parameter, position, found))
        position = found + len(text)
    return tuple(spans) if position == len(argument) else None


def _stretches(form: Form, fields: Mapping[str, str]) -> list[tuple[Hole | None, str | None, bool]]:
    """A hole (or none, at the beginning), the text that follows it, and whether that ends the word.

    The text is None where a field is unknown.
    """
    stretches: list[tuple[Hole | None, str | None, bool]] = []
    hole: Hole | None = None
    text: str | None = ""
    for part in form:
        if isinstance(part, Hole):
            if hole is not None or text != "":
                stretches.append((hole, text, False))
            hole, text = part, ""
            continue
        more = part.text if isinstance(part, Literal) else _field(part, fields)
        text = None if text is None or more is None else text + more
    stretches.append((hole, text, True))
    return stretches


def _field(part: Field, fields: Mapping[str, str]) -> str | None:
    return fields.get(part.name)
