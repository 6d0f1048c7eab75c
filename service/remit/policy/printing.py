"""Prints the tree of a usage canonically: what is printed parses to an equal tree."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.errors import UsageError
from remit.policy.name import find_names
from remit.policy.notation import BARE, REPEAT, Scanner
from remit.policy.parameter import Parameter
from remit.policy.tree import Field, Form, Group, Hole, Part, Sequence, Word

Parameters = Mapping[str, Parameter]


def print_sequence(sequence: Sequence, parameters: Parameters) -> str:
    """`parameters` are those that the usage was parsed with: they decide what needs quotes."""
    return " ".join(
        print_word(item, parameters) if isinstance(item, Word) else print_group(item, parameters)
        for item in sequence.items
    )


def print_group(group: Group, parameters: Parameters) -> str:
    """`[a | b]...`"""
    inner = " | ".join(print_sequence(each, parameters) for each in group.alternatives)
    text = f"[{inner}]" if group.optional else f"({inner})"
    return text + REPEAT * group.repeats


def print_word(word: Word, parameters: Parameters) -> str:
    """As a person would write it where that reads back right, else with names in braces."""
    plain = _word(word, plainly=True)
    scanner = Scanner(plain, range(1, len(plain) + 1), parameters)
    try:
        if scanner.word() == word and scanner.position == len(plain):
            return plain
    except UsageError:
        pass
    return _word(word, plainly=False)


def _word(word: Word, plainly: bool) -> str:
    tail = "" if word.tail is None else f"[{_form(word.tail, plainly)}]"
    return _form(word.head, plainly) + tail + REPEAT * word.repeats


def _form(form: Form, plainly: bool) -> str:
    return "".join(_part(part, plainly) for part in form) or "''"


def _part(part: Part, plainly: bool) -> str:
    if isinstance(part, Hole):
        return part.parameter.name if plainly else "{" + part.parameter.name + "}"
    if isinstance(part, Field):
        return "{" + part.name + "}"
    bare = BARE.issuperset(part.text) and not part.text.endswith(REPEAT)
    if bare and (plainly or not any(find_names(part.text))):
        return part.text
    return _quoted(part.text)


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    return '"\'"'.join(f"'{piece}'" if piece else "" for piece in text.split("'"))
