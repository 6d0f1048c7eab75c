"""Parameters: the named holes of a usage, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.obligation import Obligation
from remit.policy.structure import Value


class Parameter(Value):
    """A name, and the kind of value that it takes. Equal when name and table are."""

    __slots__ = ("name", "table")

    name: str
    table: dict[str, object]  # JSON-able; parse_parameter(p.name, p.table) == p
    secret: bool
    summary: str
    is_open: bool  # `{}`: no kind yet, the endpoint must set it

    def matches(self, value: str, whole: bool) -> bool:
        """Does the kind take `value`? `whole`: the value stands at the argument's very beginning."""
        raise NotImplementedError

    def obligation(self, value: str) -> Obligation | None:
        """The question that only the host can answer about `value` (one element, if a list)."""
        raise NotImplementedError

    def obligations(self, value: str, position: int = -1) -> tuple[Obligation, ...]:
        """The questions about `value`, one for each element of a list."""
        raise NotImplementedError


def parse_parameter(name: str, table: Mapping[str, object]) -> Parameter:
    """Raises ParameterError that names key, found and expected."""
    raise NotImplementedError


def read_parameter(name: str, table: Mapping[str, object]) -> Parameter:
    """As parse_parameter, for a table that was parsed once before: patterns are not vetted again."""
    raise NotImplementedError
