"""Parameters: the named holes of a usage, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.characters import is_plain
from remit.policy.errors import ParameterError
from remit.policy.kind import Kind
from remit.policy.name import is_name
from remit.policy.obligation import Obligation
from remit.policy.structure import Value
from remit.policy.table import Table, read_kind, vet_pattern


class Parameter(Value):
    """A name, and the kind of value that it takes. Equal when name and table are.

    `table` is what parse_parameter was given, JSON-able. `is_open`: it has no kind, so the endpoint
    must set it.
    """

    __slots__ = (
        "name", "table", "_kind", "_separator", "_except", "_dash", "_empty", "_max_length",
    )  # fmt: skip

    def __init__(self, name: str, table: Mapping[str, object]) -> None:
        """Raises ParameterError; a pattern is not looked at."""
        if not is_name(name):
            expected = "a name: A-Z first, then A-Z, 0-9 and _, two characters or more"
            raise ParameterError("", repr(name), expected)
        self.name = name
        reader = Table(table)
        self.table = dict(table)
        self._kind = read_kind(reader)
        self._separator = reader.separator()
        self._except = reader.texts("except")
        self._dash = reader.boolean("dash")
        self._empty = reader.boolean("empty")
        self._max_length = reader.length(self._kind.max_length)
        reader.boolean("secret")
        reader.text("summary")

    @property
    def kind(self) -> Kind:
        """The kind alone."""
        return self._kind

    @property
    def is_open(self) -> bool:
        """`{}`: the endpoint must set it. It takes nothing until then."""
        return type(self._kind) is Kind

    @property
    def is_list(self) -> bool:
        """Several values in one argument."""
        return bool(self._separator)

    @property
    def secret(self) -> bool:
        """Its value is shown as `***` in journal, transcript, lists and history."""
        return self.table.get("secret") is True

    @property
    def summary(self) -> str:
        """For help and completion."""
        return str(self.table.get("summary", ""))

    def matches(self, value: str, whole: bool) -> bool:
        """Does the parameter take `value`? `whole`: it stands at the argument's very beginning.

        There, a value that begins with `-` needs a kind or a key that says so: the program would
        take the argument for an option.
        """
        if not value:
            return self._empty
        if not is_plain(value):
            return False
        if whole and value[0] == "-" and not (self._dash or self._kind.may_begin_with_dash):
            return False
        return all(self._takes(element) for element in self._elements(value))

    def _takes(self, element: str) -> bool:
        if not 0 < len(element) <= self._max_length:
            return False
        if self._except and self._kind.is_excluded(element, self._except):
            return False
        return self._kind.takes(element)

    def _elements(self, value: str) -> list[str]:
        return value.split(self._separator) if self._separator else [value]

    def obligation(self, value: str, position: int = -1) -> Obligation | None:
        """The question that only the host can answer about `value` (one element, if a list)."""
        return self._kind.obligation(self.name, value, self._except, position) if value else None

    def obligations(self, value: str, position: int = -1) -> tuple[Obligation, ...]:
        """The questions about `value`, one for each element of a list."""
        raised = (self.obligation(element, position) for element in self._elements(value))
        return tuple(o for o in raised if o is not None)


def parse_parameter(name: str, table: Mapping[str, object]) -> Parameter:
    """Raises ParameterError; its key is relative to the table ("" for the table itself)."""
    parameter = Parameter(name, table)
    vet_pattern(parameter.kind)
    return parameter


def read_parameter(name: str, table: Mapping[str, object]) -> Parameter:
    """As parse_parameter, for a table that was parsed once before: a pattern waits for its use."""
    return Parameter(name, table)
