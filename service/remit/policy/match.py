"""Matches a vector of arguments against one usage. Skeleton: types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remit.policy.obligation import Obligation
from remit.policy.usage import Usage
from remit.policy.structure import Value


class Match(Value):
    """The first derivation. `bindings` and `obligations` are in its order."""

    __slots__ = ("bindings", "obligations")

    bindings: tuple[tuple[str, str], ...]
    obligations: tuple[Obligation, ...]


class Mismatch(Value):
    """`position`: the furthest argument that could not be consumed; len(argv): more is needed."""

    __slots__ = ("position", "expected")

    position: int
    expected: tuple[str, ...]


def match(usage: Usage, argv: Sequence[str], fields: Mapping[str, str]) -> Match | Mismatch:
    """`argv` is what follows the command's name."""
    raise NotImplementedError
