"""Strict getters for a JSON object: closed key sets, exact types, errors that name the key."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.errors import PolicyError


class Document:
    """A JSON object with exactly the keys `keys`. Getters raise PolicyError on a wrong type."""

    __slots__ = ("data",)

    def __init__(self, data: object, keys: set[str]) -> None:
        if not isinstance(data, dict):
            raise PolicyError("", type(data).__name__, "an object")
        for key in data.keys() ^ keys:
            found, expected = ("an unknown key", "no such key")
            if key in keys:
                found, expected = ("nothing", "the key")
            raise PolicyError(str(key), found, expected)
        self.data: dict[str, object] = data

    def _wrong(self, key: str, expected: str) -> PolicyError:
        return PolicyError(key, type(self.data[key]).__name__, expected)

    def text(self, key: str) -> str:
        """A string."""
        value = self.data[key]
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def boolean(self, key: str) -> bool:
        """true or false."""
        value = self.data[key]
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def number(self, key: str) -> float:
        """A number that is not negative; an integer stays one."""
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise self._wrong(key, "a number, 0 or more")
        return value

    def array(self, key: str) -> list[object]:
        """An array of anything."""
        value = self.data[key]
        if not isinstance(value, list):
            raise self._wrong(key, "an array")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of strings."""
        entries: list[str] = []
        for entry in self.array(key):
            if not isinstance(entry, str):
                raise self._wrong(key, "an array of strings")
            entries.append(entry)
        return tuple(entries)

    def mapping(self, key: str) -> dict[str, str]:
        """An object whose values are strings."""
        entries: dict[str, str] = {}
        for name, entry in self._object(key).items():
            if not isinstance(entry, str):
                raise self._wrong(key, "an object of strings")
            entries[name] = entry
        return entries

    def tables(self, key: str) -> dict[str, dict[str, object]]:
        """An object whose values are objects."""
        entries: dict[str, dict[str, object]] = {}
        for name, entry in self._object(key).items():
            if not isinstance(entry, dict):
                raise self._wrong(key, "an object of objects")
            entries[name] = entry
        return entries

    def _object(self, key: str) -> Mapping[str, object]:
        value = self.data[key]
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value
