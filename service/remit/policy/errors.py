"""Errors of everything an administrator writes: one sentence, and its parts for machines."""

from __future__ import annotations


class PolicyError(ValueError):
    """Something in a policy that cannot be loaded.

    `key` is the dotted key ("" when the raiser does not know it), `found` and `expected` are short
    phrases, `column` counts from 1 within the text of a usage. `str()` is one sentence.
    """

    def __init__(
        self,
        key: str,
        found: str,
        expected: str,
        *,
        column: int | None = None,
        sentence: str = "",
    ) -> None:
        super().__init__(key, found, expected)
        self.key = key
        self.found = found
        self.expected = expected
        self.column = column
        self.sentence = sentence or f"found {found}, expected {expected}"

    def __str__(self) -> str:
        place = [self.key] if self.key else []
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.sentence}" if place else self.sentence

    def at(self, key: str) -> PolicyError:
        """The same error, seen from further outside: `key` is put before the error's own key."""
        whole = f"{key}.{self.key}" if self.key else key
        return type(self)(
            whole, self.found, self.expected, column=self.column, sentence=self.sentence
        )


class UsageError(PolicyError):
    """A usage, or a fragment of one, that cannot be loaded."""


class ParameterError(PolicyError):
    """A parameter's table that cannot be loaded."""
