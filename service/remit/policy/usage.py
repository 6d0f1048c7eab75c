"""Usages: one line of a man page's SYNOPSIS each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remit.policy.parameter import Parameter
from remit.policy.structure import Value


class Usage(Value):
    """A parsed usage. `text` is its canonical print: parsing it again gives an equal Usage."""

    __slots__ = ("text",)

    text: str
    names: tuple[str, ...]  # the parameters that it uses, in order of first appearance


def parse_usage(
    text: str, parameters: Mapping[str, Parameter], fragments: Mapping[str, str] = {}
) -> Usage:
    """Raises UsageError with column (from 1, in `text` as given) and a teaching sentence."""
    raise NotImplementedError


def unused_parameters(
    parameters: Iterable[str], usages: Iterable[Usage]
) -> tuple[str, ...]:
    """Names that no usage uses: a warning."""
    raise NotImplementedError
