"""The `pattern` kind: regular expressions, matched in full and in time linear in the value.

Python's own parser reads the pattern (see `expression`), but its back-tracking engine does not run
it: `(a|a)*b` alone would stop a worker. The machine here is in all its states at once (Thompson's).
"""

from __future__ import annotations

from collections.abc import Callable

Test = Callable[[str], bool]  # of one character
Place = Callable[[str, int], bool]  # of a position in the value


class Step:
    """One instruction: consume a character, or go on to each of `targets` if `place` allows it."""

    __slots__ = ("test", "place", "targets")

    def __init__(
        self, test: Test | None = None, targets: tuple[int, ...] = (), place: Place | None = None
    ) -> None:
        self.test = test
        self.targets = targets
        self.place = place


class Pattern:
    """A compiled pattern: its last step is the accepting one."""

    __slots__ = ("steps",)

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps

    def matches(self, value: str) -> bool:
        """Does all of `value` match? At most len(value) * len(steps) tests."""
        states = self._reached({0}, value, 0)
        for position, character in enumerate(value):
            after = set()
            for state in states:
                test = self.steps[state].test
                if test is not None and test(character):
                    after.add(state + 1)
            if not after:
                return False
            states = self._reached(after, value, position + 1)
        return len(self.steps) - 1 in states

    def _reached(self, states: set[int], value: str, position: int) -> set[int]:
        """`states` and all that they lead to without consuming a character."""
        pending = list(states)
        while pending:
            step = self.steps[pending.pop()]
            if step.place is None or step.place(value, position):
                for target in step.targets:
                    if target not in states:
                        states.add(target)
                        pending.append(target)
        return states
