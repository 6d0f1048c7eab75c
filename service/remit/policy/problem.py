"""What is wrong with a policy file, as values: all problems of a file are collected, none raised.

Owns the form in which administrators read problems (`FILE: KEY: found X, expected Y (hint)`).
Does not decide what happens to a file that has some.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from remit.policy.errors import PolicyError

_SHOWN = 80


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: where it stands, what is there, what should be, what to do."""

    file: str
    key: str
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        hint = f" ({self.hint})" if self.hint else ""
        return printable(f"{where}: found {self.found}, expected {self.expected}{hint}")

    def to_json(self) -> dict[str, str]:
        """The object that `remitctl check --json` and the control protocol carry."""
        return {
            "file": self.file,
            "key": self.key,
            "found": self.found,
            "expected": self.expected,
            "hint": self.hint,
        }


@dataclass(slots=True)
class Report:
    """Collects the problems of one file while it is read."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, key: str, found: str, expected: str, hint: str = "") -> None:
        """Note one problem at `key` of this file."""
        self.problems.append(Problem(self.file, key, found, expected, hint))

    def refuse(self, place: str, error: PolicyError) -> None:
        """Note what the grammar refused at `place`, with the column within a usage."""
        key = f"{place}.{error.key}" if error.key else place
        if error.column is not None:
            key += f", column {error.column}"
        plain = f"found {error.found}, expected {error.expected}"
        hint = "" if error.sentence == plain else error.sentence
        self.add(key, error.found, error.expected, hint)

    def later(self, key: str, value: object, hint: str = "") -> None:
        """Note something that remit will have but this version has not."""
        reason = "not supported in this version"
        self.add(key, show(value), "no such setting", f"{reason}; {hint}" if hint else reason)


def show(value: object) -> str:
    """A value as its TOML text, on one line, bounded and safe to print on a terminal."""
    text = _toml(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            quoted = value[: 2 * _SHOWN].replace("\\", "\\\\").replace('"', '\\"')
            return f'"{printable(quoted)}"'
        case list():
            return "[" + ", ".join(_toml(item) for item in value[:_SHOWN]) + "]"
        case dict():
            return "a table"
        case _:
            return str(value)


def printable(text: str) -> str:
    """The text with everything that could play tricks on a terminal as \\uXXXX."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def suggest(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is none of `known`: the nearest one, or all if they are few."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.7)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 24 else ""
