"""The kinds of parameters: what one value, or one element of a list, may be.

A kind judges text alone. Control characters, emptiness, a leading `-`, lengths and exceptions are
the parameter's concern; what only the host knows comes back as an obligation.
"""

from __future__ import annotations

from remit.policy.characters import DIGITS, LETTERS
from remit.policy.glob import matches_any
from remit.policy.obligation import Obligation, PathObligation, UserObligation
from remit.policy.path import components, is_beneath, is_excluded
from remit.policy.pattern import Pattern
from remit.policy.unit import full_name


class Kind:
    """A kind that takes nothing: `{}`, which the endpoint must set."""

    __slots__ = ()

    may_begin_with_dash = False  # as a whole argument, without `dash = true`
    max_length = 4096

    def takes(self, value: str) -> bool:
        """Does the kind take this value? It is not empty and has no control characters."""
        return False

    def is_excluded(self, value: str, globs: tuple[str, ...]) -> bool:
        """Does a glob of `except` match the value?"""
        return matches_any(globs, value)

    def obligation(
        self, name: str, value: str, excluded: tuple[str, ...], position: int
    ) -> Obligation | None:
        """What only the host can answer about the value of parameter `name`."""
        return None

    def examples(self) -> tuple[str, ...] | None:
        """Every value that it takes, where these are few; else None."""
        return None


class Values(Kind):
    """One of these, literally."""

    __slots__ = ("values",)
    may_begin_with_dash = True

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values

    def takes(self, value: str) -> bool:
        return value in self.values

    def examples(self) -> tuple[str, ...] | None:
        return self.values


class Integer(Kind):
    """A decimal number: ASCII digits, no `+`, no leading zero, `-` only where min < 0."""

    __slots__ = ("least", "most", "may_begin_with_dash")

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most
        self.may_begin_with_dash = least < 0

    def takes(self, value: str) -> bool:
        digits = value[1:] if value[0] == "-" else value
        if not digits or len(digits) > 20 or any(c not in DIGITS for c in digits):
            return False
        number = int(value)
        return str(number) == value and self.least <= number <= self.most


class Expression(Kind):
    """A regular expression, read at the first use (or when the parameter is vetted)."""

    __slots__ = ("text", "max_length", "_pattern")

    def __init__(self, text: str, max_length: int) -> None:
        self.text = text
        self.max_length = max_length
        self._pattern: Pattern | None = None

    def pattern(self) -> Pattern:
        """The compiled pattern; raises ExpressionError."""
        if self._pattern is None:
            from remit.policy.expression import read_expression  # `re` costs a worker 5 ms

            self._pattern = read_expression(self.text)
        return self._pattern

    def takes(self, value: str) -> bool:
        return self.pattern().matches(value)


class Unit(Kind):
    """A systemd unit's name; without a suffix it is a service, as for systemctl."""

    __slots__ = ("globs",)

    def __init__(self, globs: tuple[str, ...]) -> None:
        self.globs = globs

    def takes(self, value: str) -> bool:
        name = full_name(value)
        return bool(name) and matches_any(self.globs, name)

    def is_excluded(self, value: str, globs: tuple[str, ...]) -> bool:
        return matches_any(globs, value) or matches_any(globs, full_name(value))


class User(Kind):
    """A user's name, by its form; whether such a user exists is an obligation."""

    __slots__ = ("groups", "not_groups", "names", "min_uid")

    def __init__(
        self,
        groups: tuple[str, ...],
        not_groups: tuple[str, ...],
        names: tuple[str, ...],
        min_uid: int,
    ) -> None:
        self.groups = groups
        self.not_groups = not_groups
        self.names = names
        self.min_uid = min_uid

    def takes(self, value: str) -> bool:
        inner = LETTERS + DIGITS + "_.@-"
        stem = value.removesuffix("$")
        first = stem[:1]
        return bool(first) and first in LETTERS + "_" and all(c in inner for c in stem)

    def obligation(
        self, name: str, value: str, excluded: tuple[str, ...], position: int
    ) -> Obligation | None:
        return UserObligation(
            name, value, self.groups, self.not_groups, self.names, self.min_uid, position
        )


class Path(Kind):
    """A path, as text: no `..`; an absolute one lies beneath a root. The rest is an obligation."""

    __slots__ = ("roots", "sort", "write")

    def __init__(self, roots: tuple[str, ...], sort: str, write: bool) -> None:
        self.roots = roots
        self.sort = sort
        self.write = write

    def takes(self, value: str) -> bool:
        if ".." in components(value):
            return False
        return value[0] != "/" or any(is_beneath(value, root) for root in self.roots)

    def is_excluded(self, value: str, globs: tuple[str, ...]) -> bool:
        return is_excluded(value, globs)

    def obligation(
        self, name: str, value: str, excluded: tuple[str, ...], position: int
    ) -> Obligation | None:
        return PathObligation(name, value, self.roots, self.sort, self.write, excluded, position)


class Flags(Kind):
    """`-` and letters of a set, each at most once."""

    __slots__ = ("letters",)
    may_begin_with_dash = True

    def __init__(self, letters: str) -> None:
        self.letters = letters

    def takes(self, value: str) -> bool:
        given = value[1:]
        once = len(set(given)) == len(given)
        return value[0] == "-" and bool(given) and once and all(c in self.letters for c in given)


class Text(Kind):
    """Any text; with `any`, one that begins with `-` too."""

    __slots__ = ("may_begin_with_dash",)

    def __init__(self, may_begin_with_dash: bool) -> None:
        self.may_begin_with_dash = may_begin_with_dash

    def takes(self, value: str) -> bool:
        return self.may_begin_with_dash or value[0] != "-"
