"""Which stretches of a request each node of a usage can match: a memoised, bounded search.

`Search.ends(node, start)` is the set of positions at which a match of `node` that begins at `start`
can end. Sets of positions are integers used as bits, so that joining two costs one operation; each
(node, start) is computed once. That is the number of elements times the square of the number of
arguments at most, and nothing here recurses deeper than brackets nest.

Sets of options need more than positions, namely which members were used. Two ways to the same
position with different members used arise only where a member can swallow the beginning of another;
MAX_STATES bounds them, and a request that needs more is refused. Beyond FEW_STATES what makes no
difference is forgotten, which leaves few in all but contrived cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from remit.policy import tree
from remit.policy.tree import Group, OptionSet, Step, Word
from remit.policy.word import Spans, match_word

MAX_STATES = 40_000
FEW_STATES = 300

State = tuple[int, int]  # position, members used (bits)
Moves = dict[State, list[tuple[Group, State]]]


class Exhausted(Exception):
    """The search ran out of MAX_STATES."""


def bits(positions: int) -> Iterator[int]:
    """The positions in a set, in ascending order."""
    while positions:
        lowest = positions & -positions
        yield lowest.bit_length() - 1
        positions ^= lowest


class Search:
    """The memory of one match.

    `furthest` is the last position that was reached, `wanted` the words that were tried there in
    vain, `attempts` every word tried at a position that was reached.
    """

    def __init__(self, arguments: Sequence[str], fields: Mapping[str, str]) -> None:
        self.arguments = arguments
        self.fields = fields
        self.furthest = 0
        self.wanted: list[Word] = []
        self.attempts: list[tuple[Word, int]] = []
        self._spans: dict[tuple[int, int], Spans | None] = {}
        self._once: dict[tuple[int, int], int] = {}
        self._repeated: dict[tuple[int, int], int] = {}
        self._ends: dict[tuple[int, int], int] = {}
        self._moves: dict[tuple[int, int], Moves] = {}
        self._later: dict[int, list[int]] = {}
        self._states_left = MAX_STATES

    def spans(self, word: Word, position: int) -> Spans | None:
        """The values of the argument at `position` if `word` matches it."""
        key = (id(word), position)
        if key not in self._spans:
            matched = None
            if position < len(self.arguments):
                matched = match_word(word, self.arguments[position], self.fields)
            self._spans[key] = matched
        return self._spans[key]

    def ends(self, node: Step, start: int) -> int:
        """Where a match of `node`, repetition and omission included, can end."""
        key = (id(node), start)
        found = self._ends.get(key)
        if found is None:
            found = self._all_ends(node, start)
            self._ends[key] = found
        return found

    def _all_ends(self, node: Step, start: int) -> int:
        if isinstance(node, OptionSet):
            return self._set_ends(node, start)
        found = self.repeated(node, start) if node.repeats else self.once(node, start)
        return found | (1 << start) if isinstance(node, Group) and node.optional else found

    def once(self, node: Word | Group, start: int) -> int:
        """Where exactly one match of `node` can end."""
        key = (id(node), start)
        found = self._once.get(key)
        if found is None:
            found = 0
            if isinstance(node, Word):
                found = self._word_end(node, start)
            else:
                for alternative in node.alternatives:
                    found |= self.sequence_ends(alternative, start)
            self._once[key] = found
        return found

    def _word_end(self, word: Word, start: int) -> int:
        self.attempts.append((word, start))
        if self.spans(word, start) is None:
            if start == self.furthest:
                self.wanted.append(word)
            return 0
        if start == self.furthest:
            self.furthest = start + 1
            self.wanted = []
        return 1 << (start + 1)

    def repeated(self, node: Word | Group, start: int) -> int:
        """Where one or more matches of `node` can end."""
        known = self._repeated
        if (id(node), start) not in known:
            begun = waiting = 1 << start
            while waiting:
                lowest = waiting & -waiting
                more = self.once(node, lowest.bit_length() - 1) & ~begun
                begun |= more
                waiting = (waiting ^ lowest) | more
            for position in reversed([*bits(begun)]):
                found = self.once(node, position)
                for end in bits(found):
                    found |= known[id(node), end]
                known[id(node), position] = found
        return known[id(node), start]

    def sequence_ends(self, sequence: tree.Sequence, start: int) -> int:
        """Where a match of all steps can end."""
        reached = 1 << start
        for step in sequence.steps:
            reached = self.step_ends(step, reached)
        return reached

    def step_ends(self, step: Step, starts: int) -> int:
        """Where a match of `step` that begins at one of `starts` can end."""
        reached = 0
        for start in bits(starts):
            reached |= self.ends(step, start)
        return reached

    def _set_ends(self, options: OptionSet, start: int) -> int:
        found = 0
        required = required_members(options)
        for position, used in self.moves(options, start):
            if used & required == required:
                found |= 1 << position
        return found

    def moves(self, options: OptionSet, start: int) -> Moves:
        """Each state that is reached from `start`, and the members that go on from it."""
        key = (id(options), start)
        if key not in self._moves:
            found = self._explore(options, start, False) or self._explore(options, start, True)
            self._moves[key] = found or {}
        return self._moves[key]

    def _explore(self, options: OptionSet, start: int, forgetful: bool) -> Moves | None:
        """None if it would be better to forget what makes no difference."""
        moves: Moves = {}
        layers: dict[int, set[int]] = {start: {0}}
        while layers:
            position = min(layers)
            for used in sorted(layers.pop(position)):
                moves[position, used] = self._next(options, position, used, forgetful)
                for _, (end, after) in moves[position, used]:
                    layers.setdefault(end, set()).add(after)
            if not forgetful and len(moves) > FEW_STATES:
                return None
        return moves

    def _next(
        self, options: OptionSet, position: int, used: int, forgetful: bool
    ) -> list[tuple[Group, State]]:
        found = []
        for index, member in enumerate(options.members):
            if used >> index & 1 and not member.repeats:
                continue
            counts = not (member.optional and member.repeats)
            after = used | counts << index
            for end in bits(self.once(member, position)):
                self._states_left -= 1
                if self._states_left < 0:
                    raise Exhausted
                state = self._forget(options, end, after) if forgetful else after
                found.append((member, (end, state)))
        return found

    def _forget(self, options: OptionSet, position: int, used: int) -> int:
        """`used` without what makes no difference from `position` on.

        That is which members were used that cannot begin any more, unless they are required; and
        these too once a required one is missing for good.
        """
        later = self._beginnings(options)[position]
        required = required_members(options)
        return used & later if required & ~used & ~later else used & (later | required)

    def _beginnings(self, options: OptionSet) -> list[int]:
        """For each position the members that can begin there or later."""
        later = self._later.get(id(options))
        if later is None:
            later = [0] * (len(self.arguments) + 2)
            for position in range(len(self.arguments) - 1, -1, -1):
                later[position] = later[position + 1]
                for index, words in enumerate(options.first):
                    if any(self.spans(word, position) is not None for word in words):
                        later[position] |= 1 << index
            self._later[id(options)] = later
        return later


def required_members(options: OptionSet) -> int:
    """The members that must occur, as bits."""
    return sum(1 << index for index, member in enumerate(options.members) if not member.optional)
