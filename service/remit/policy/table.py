"""Reads a parameter's table: closed key set, one kind, exact types, errors that name the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from remit.policy.characters import DIGITS, LETTERS, is_plain
from remit.policy.errors import ParameterError
from remit.policy.kind import (
    Expression,
    Flags,
    Integer,
    Kind,
    Path,
    Text,
    Unit,
    User,
    Values,
)
from remit.policy.path import components
from remit.policy.unit import SUFFIXES

MAX_LENGTH = 4096  # of an argument
PATTERN_LENGTH = 256
COMMON = ("list", "except", "dash", "empty", "max_length", "secret", "summary")
SORTS = ("file", "directory", "new", "any")
_USER_KEYS = ("groups", "not_groups", "names", "min_uid")
_WITH_PATH = ("is", "write")
_PLAIN_EXPRESSION = "an expression without back-references, look-around, nested repeats and flags"
_TYPES: dict[type, str] = {list: "an array", dict: "a table"}


def show(value: object) -> str:
    """A TOML value, short enough for a sentence."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:57]) + "..."
    if isinstance(value, int | float):
        return str(value)[:60]
    return _TYPES.get(type(value), type(value).__name__)


class Table:
    """The table, with getters that raise ParameterError; `prefix` stands before keys in errors."""

    def __init__(self, entries: object, prefix: str = "") -> None:
        if not isinstance(entries, Mapping):
            raise ParameterError(prefix.rstrip("."), show(entries), "a table")
        self.entries = entries
        self.prefix = prefix

    def wrong(self, key: str, expected: str, found: object = None) -> ParameterError:
        """The error for `key`; `found` where it is not the key's whole value."""
        shown = show(self.entries[key] if found is None else found)
        return ParameterError(self.prefix + key, shown, expected)

    def allow(self, keys: tuple[str, ...], expected: str) -> None:
        """Raises on the first key that is not one of `keys`."""
        for key in self.entries:
            if key not in keys:
                raise ParameterError(f"{self.prefix}{key}", "an unknown key", expected)

    def boolean(self, key: str) -> bool:
        """true or false; false where absent."""
        value = self.entries.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """A string; "" where absent."""
        value = self.entries.get(key, "")
        if not isinstance(value, str) or not is_plain(value):
            raise self.wrong(key, "a string without control characters")
        return value

    def texts(self, key: str, *, needed: bool = False) -> tuple[str, ...]:
        """An array of strings, none empty; `needed`: at least one."""
        value = self.entries.get(key, [])
        if not isinstance(value, list | tuple) or (needed and not value):
            raise self.wrong(key, "an array of strings, one at least" if needed else "an array")
        for entry in value:
            if not isinstance(entry, str) or not entry or not is_plain(entry):
                raise self.wrong(key, "strings, not empty, no control characters", entry)
        return tuple(value)

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        """An integer within bounds."""
        value = self.entries.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"an integer from {least} to {most}")
        return value

    def length(self, default: int) -> int:
        """`max_length`, in characters."""
        return self.integer("max_length", default, 1, MAX_LENGTH)

    def separator(self) -> str:
        """`list`: what stands between the values of one argument."""
        separator = self.text("list")
        if "list" in self.entries and (len(separator) != 1 or separator in LETTERS + DIGITS):
            raise self.wrong("list", "one character between the values, no letter or digit")
        return separator


def read_kind(table: Table) -> Kind:
    """The one kind that the table names; a plain Kind where it names none."""
    table.allow(
        (*_KINDS, *_WITH_PATH, *COMMON),
        f"a kind ({', '.join(_KINDS)}) and {', '.join(COMMON)}",
    )
    named = [key for key in _KINDS if key in table.entries]
    if len(named) > 1:
        raise ParameterError(named[1], f"a second kind beside {named[0]}", "one kind")
    for key in _WITH_PATH:
        if key in table.entries and named != ["path"]:
            raise table.wrong(key, "no such key: it goes with the kind path")
    return _KINDS[named[0]](table) if named else Kind()


def vet_pattern(kind: Kind) -> None:
    """Read a pattern now and not at its first use; ParameterError if that cannot be done."""
    if isinstance(kind, Expression):
        from remit.policy.expression import ExpressionError  # imports `re`

        try:
            kind.pattern()
        except ExpressionError as error:
            raise ParameterError("pattern", str(error), _PLAIN_EXPRESSION) from None


def _values(table: Table) -> Kind:
    return Values(table.texts("values", needed=True))


def _integer(table: Table) -> Kind:
    value = table.entries["integer"]
    expected = "[min, max], two integers, min not above max"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise table.wrong("integer", expected)
    for number in value:
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= 2**63:
            raise table.wrong("integer", expected, number)
    if value[0] > value[1]:
        raise ParameterError("integer", f"[{value[0]}, {value[1]}]", expected)
    return Integer(value[0], value[1])


def _pattern(table: Table) -> Kind:
    text = table.text("pattern")
    if not text:
        raise table.wrong("pattern", "a regular expression; for the empty value: empty = true")
    return Expression(text, PATTERN_LENGTH)


def _unit(table: Table) -> Kind:
    globs = table.texts("unit", needed=True)
    for glob in globs:
        if not glob.endswith(SUFFIXES) and not glob.endswith("*"):
            raise table.wrong("unit", f"a unit's full name, such as {glob}.service", glob)
    return Unit(globs)


def _user(table: Table) -> Kind:
    inner = Table(table.entries["user"], "user.")
    inner.allow(_USER_KEYS, ", ".join(_USER_KEYS))
    return User(
        inner.texts("groups"),
        inner.texts("not_groups"),
        inner.texts("names"),
        inner.integer("min_uid", 1000, 0, 2**32 - 2),
    )


def _path(table: Table) -> Kind:
    roots = table.texts("path", needed=True)
    for root in roots:
        if root[0] != "/" or ".." in components(root):
            raise table.wrong("path", "absolute directories without ..", root)
    sort = table.text("is") or "any"
    if sort not in SORTS:
        raise table.wrong("is", " or ".join(SORTS))
    return Path(roots, sort, table.boolean("write"))


def _flags(table: Table) -> Kind:
    letters = table.text("flags")
    if not letters or len(set(letters)) != len(letters) or set(letters) - set(LETTERS + DIGITS):
        raise table.wrong("flags", "letters and digits, each once")
    return Flags(letters)


def _text(table: Table) -> Kind:
    if not table.boolean("text"):
        raise table.wrong("text", "true")
    return Text(table.boolean("dash"))


def _any(table: Table) -> Kind:
    if not table.boolean("any"):
        raise table.wrong("any", "true")
    return Text(True)


_KINDS: dict[str, Callable[[Table], Kind]] = {
    "values": _values,
    "integer": _integer,
    "pattern": _pattern,
    "unit": _unit,
    "user": _user,
    "path": _path,
    "flags": _flags,
    "text": _text,
    "any": _any,
}
