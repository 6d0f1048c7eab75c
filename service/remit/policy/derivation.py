"""The first derivation of a request, read off a finished search.

First in this order: alternatives from left to right, an optional before leaving it out, another
repetition before stopping, in a set going on before stopping.
"""

from __future__ import annotations

from remit.policy import tree
from remit.policy.search import Moves, Search, State, bits, required_members
from remit.policy.tree import Group, OptionSet, Step, Word

Taken = list[tuple[int, Word]]  # which word took the argument at a position


def derive(search: Search, sequence: tree.Sequence, end: int) -> Taken:
    """The words of the first derivation of all arguments up to `end`, which must exist."""
    taken: Taken = []
    _Derivation(search, taken).sequence(sequence, 0, 1 << end)
    return taken


class _Derivation:
    """Every method takes a start and the set of ends from which the rest can still be matched.

    It appends the words of the first derivation to `taken` and returns where that ends.
    """

    def __init__(self, search: Search, taken: Taken) -> None:
        self.search = search
        self.taken = taken

    def sequence(self, sequence: tree.Sequence, start: int, allowed: int) -> int:
        """A match of all steps."""
        steps = sequence.steps
        reached = [1 << start]
        for step in steps:
            reached.append(self.search.step_ends(step, reached[-1]))
        reached[-1] &= allowed
        for index in range(len(steps) - 1, 0, -1):
            reached[index] = self._leading(steps[index], reached[index], reached[index + 1])
        for index, step in enumerate(steps):
            start = self._step(step, start, reached[index + 1])
        return start

    def _leading(self, step: Step, starts: int, allowed: int) -> int:
        """Those of `starts` from which `step` leads to an allowed end."""
        found = 0
        for start in bits(starts):
            if self.search.ends(step, start) & allowed:
                found |= 1 << start
        return found

    def _step(self, step: Step, start: int, allowed: int) -> int:
        if isinstance(step, OptionSet):
            return self._options(step, start, allowed)
        if not step.repeats:
            if self.search.once(step, start) & allowed:
                return self._once(step, start, allowed)
            return start
        return self._repeated(step, start, allowed)

    def _once(self, node: Word | Group, start: int, allowed: int) -> int:
        if isinstance(node, Word):
            self.taken.append((start, node))
            return start + 1
        for alternative in node.alternatives:
            if self.search.sequence_ends(alternative, start) & allowed:
                return self.sequence(alternative, start, allowed)
        raise AssertionError("no alternative leads to an allowed end")

    def _repeated(self, node: Word | Group, start: int, allowed: int) -> int:
        while True:
            useful = 0
            for end in bits(self.search.once(node, start)):
                if (1 << end | self.search.repeated(node, end)) & allowed:
                    useful |= 1 << end
            if not useful:
                return start
            start = self._once(node, start, useful)

    def _options(self, options: OptionSet, start: int, allowed: int) -> int:
        moves = self.search.moves(options, start)
        good = _completing(moves, allowed, required_members(options))
        state: State = (start, 0)
        while True:
            ends: dict[int, State] = {}
            member = None
            for each, after in moves[state]:
                if after in good and each is (member or each):
                    member = each
                    ends[after[0]] = after
            if member is None:
                return state[0]
            state = ends[self._once(member, state[0], sum(1 << end for end in ends))]


def _completing(moves: Moves, allowed: int, required: int) -> set[State]:
    """The states from which the set can be completed at an allowed end."""
    good: set[State] = set()
    for state in sorted(moves, reverse=True):
        complete = state[1] & required == required and allowed >> state[0] & 1
        if complete or any(after in good for _, after in moves[state]):
            good.add(state)
    return good
