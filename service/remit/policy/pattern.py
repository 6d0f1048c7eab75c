"""The `pattern` kind: regular expressions, matched in full and in time linear in the value.

Python's own parser reads the pattern (see `expression`), but its back-tracking engine does not run
it: `(a|a)*b` alone would stop a worker. The machine here is in all its states at once (Thompson's).
"""

from __future__ import annotations

from collections.abc import Callable

Test = Callable[[str], bool]  # of one character
Place = Callable[[str, int], bool]  # of a position in the value
States = frozenset[int]

ROOM = 50_000


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
    """A compiled pattern: its last step is the accepting one.

    What follows a set of states by a character is remembered, up to ROOM numbers of states, unless
    it depends on the place in the value.
    """

    __slots__ = ("steps", "_seen", "_sets", "_room")

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self._seen: dict[tuple[States, str], States] = {}
        self._sets: dict[States, States] = {}
        self._room = 0 if any(step.place for step in steps) else ROOM

    def matches(self, value: str) -> bool:
        """Does all of `value` match? At most len(value) * len(steps) tests."""
        states = self._reached({0}, value, 0)
        for position, character in enumerate(value):
            after = self._seen.get((states, character))
            if after is None:
                after = self._follow(states, value, position)
                self._remember(states, character, after)
            if not after:
                return False
            states = self._sets.get(after, after)
        return len(self.steps) - 1 in states

    def _follow(self, states: States, value: str, position: int) -> States:
        character = value[position]
        after = set()
        for state in states:
            test = self.steps[state].test
            if test is not None and test(character):
                after.add(state + 1)
        return self._reached(after, value, position + 1)

    def _remember(self, states: States, character: str, after: States) -> None:
        if self._room > 0:
            self._room -= 1 if after in self._sets else 1 + len(after)
            self._seen[states, character] = self._sets.setdefault(after, after)

    def _reached(self, states: set[int], value: str, position: int) -> States:
        """`states` and all that they lead to without consuming a character."""
        pending = list(states)
        while pending:
            step = self.steps[pending.pop()]
            if step.place is None or step.place(value, position):
                for target in step.targets:
                    if target not in states:
                        states.add(target)
                        pending.append(target)
        return frozenset(states)
