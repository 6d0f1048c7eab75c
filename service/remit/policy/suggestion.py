"""Finds a permitted order of refused arguments, by moving a few of them at a time.

The argument where the match stopped, perhaps with what follows it (an option's value), is tried at
every other place; the first move that gets the match further is kept. Bounded by TRIES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from remit.policy.match import Match, Mismatch, match
from remit.policy.usage import Usage

MAX_ARGUMENTS = 16
TRIES = 100
_LONGEST_BLOCK = 3


def find_order(
    usage: Usage, argv: Sequence[str], fields: Mapping[str, str], mismatch: Mismatch
) -> tuple[tuple[str, ...], Match] | None:
    """The arguments in an order that `usage` derives, and how."""
    if len(argv) > MAX_ARGUMENTS:
        return None
    order = tuple(argv)
    stuck = mismatch.position
    tries = TRIES
    while stuck < len(order):
        for moved in _moves(order, stuck):
            tries -= 1
            outcome = match(usage, moved, fields)
            if isinstance(outcome, Match):
                return moved, outcome
            if not tries:
                return None
            if outcome.position > stuck:
                order, stuck = moved, outcome.position
                break
        else:
            return None
    return None


def _moves(order: tuple[str, ...], stuck: int) -> Iterator[tuple[str, ...]]:
    """The orders in which the block at `stuck` stands elsewhere, nearest places first."""
    for end in range(stuck + 1, min(stuck + _LONGEST_BLOCK, len(order)) + 1):
        block = order[stuck:end]
        rest = order[:stuck] + order[end:]
        places = [*range(stuck - 1, -1, -1), *range(stuck + 1, len(rest) + 1)]
        for place in places:
            yield rest[:place] + block + rest[place:]
