"""Matches a vector of arguments against one usage: pure, and bounded in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remit.policy.derivation import derive
from remit.policy.obligation import Obligation
from remit.policy.search import Exhausted, Search
from remit.policy.structure import Value
from remit.policy.tree import Word
from remit.policy.usage import Usage
from remit.policy.word import Span

MAX_ARGUMENTS = 256
MAX_CHARACTERS = 4096  # of one argument
MAX_BYTES = 65536  # of all together, as UTF-8

Values = tuple[tuple[int, Span], ...]


class Match(Value):
    """The first derivation. `bindings`, `obligations` and `values` are in its order.

    `values` says where the values stand: the argument's position and the span within it.
    """

    __slots__ = ("bindings", "obligations", "values")

    def __init__(
        self,
        bindings: tuple[tuple[str, str], ...],
        obligations: tuple[Obligation, ...],
        values: Values,
    ) -> None:
        self.bindings = bindings
        self.obligations = obligations
        self.values = values


class Mismatch(Value):
    """`position`: the furthest argument that could not be consumed; len(argv): more is needed.

    `expected` are the words that could have stood there, as the usage's text shows them (what
    completion offers); `may_end`: the request could have ended before that argument. `secrets` are
    the words with a secret parameter that were tried, each with its argument's position; arguments
    from `examined` on were not looked at.
    """

    __slots__ = ("position", "expected", "may_end", "secrets", "examined")

    def __init__(
        self,
        position: int,
        expected: tuple[str, ...] = (),
        may_end: bool = False,
        secrets: tuple[tuple[int, Word], ...] = (),
        examined: int = 0,
    ) -> None:
        self.position = position
        self.expected = expected
        self.may_end = may_end
        self.secrets = secrets
        self.examined = examined


def match(usage: Usage, argv: Sequence[str], fields: Mapping[str, str]) -> Match | Mismatch:
    """`argv` is what follows the command's name. Never raises; out of bounds is a Mismatch."""
    beyond = first_beyond(argv)
    if beyond is not None:
        return Mismatch(beyond)
    search = Search(argv, fields)
    try:
        ends = search.sequence_ends(usage.sequence, 0)
    except Exhausted:
        return _mismatched(search, usage, 0)
    if ends >> len(argv) & 1:
        return _matched(search, usage, len(argv))
    return _mismatched(search, usage, ends)


def _mismatched(search: Search, usage: Usage, ends: int) -> Mismatch:
    furthest = search.furthest
    return Mismatch(
        furthest,
        tuple(dict.fromkeys(usage.print_word(word) for word in search.wanted)),
        bool(ends >> furthest & 1),
        tuple((at, word) for word, at in search.attempts if word.is_secret),
        furthest,
    )


def first_beyond(argv: Sequence[str]) -> int | None:
    """The first argument that is one too many, too long, or too much together with the others."""
    total = 0
    for position, argument in enumerate(argv):
        if position == MAX_ARGUMENTS or len(argument) > MAX_CHARACTERS:
            return position
        total += len(argument.encode("utf-8", "surrogatepass"))
        if total > MAX_BYTES:
            return position
    return None


def _matched(search: Search, usage: Usage, end: int) -> Match:
    values = []
    bindings = []
    obligations: list[Obligation] = []
    for position, word in derive(search, usage.sequence, end):
        for span in search.spans(word, position) or ():
            value = search.arguments[position][span.start : span.end]
            values.append((position, span))
            bindings.append((span.parameter.name, value))
            obligations += span.parameter.obligations(value, position)
    return Match(tuple(bindings), tuple(obligations), tuple(values))
