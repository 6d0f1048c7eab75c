"""Records of the session worker: slots, equality and repr, without the cost of dataclasses."""

from __future__ import annotations


class Value:
    """Base of records that are equal when their type and their public slots are.

    Immutable by convention. A slot whose name begins with `_` is a cache and does not count.
    """

    __slots__: tuple[str, ...] = ()

    def _parts(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__ if name[0] != "_")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Value):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __repr__(self) -> str:
        shown = (f"{n}={getattr(self, n)!r}" for n in self.__slots__ if n[0] != "_")
        return f"{type(self).__name__}({', '.join(shown)})"
