"""Finds a permitted order of refused arguments by moving options, each with its own arguments.

What belongs to an option is what its group in the usage takes. Everything else stays in the order
in which it was typed, so that a suggestion never means something else. Bounded by MAX_ARGUMENTS and
TRIES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from remit.policy import tree
from remit.policy.match import Match, Mismatch, match
from remit.policy.search import Exhausted, Search
from remit.policy.tree import Group, Word
from remit.policy.usage import Usage

MAX_ARGUMENTS = 16
TRIES = 100

Unit = tuple[str, ...]  # an option with its arguments, or one other argument


def find_order(
    usage: Usage, argv: Sequence[str], fields: Mapping[str, str], mismatch: Mismatch
) -> tuple[tuple[str, ...], Match] | None:
    """The arguments in an order that `usage` derives, and how."""
    if len(argv) > MAX_ARGUMENTS:
        return None
    units, options = _units(usage, argv, fields)
    stuck = mismatch.position
    tries = TRIES
    while (at := _unit_at(units, stuck)) is not None:
        for moved in _moves(units, at, options):
            tries -= 1
            arguments = tuple(argument for unit in moved for argument in unit)
            outcome = match(usage, arguments, fields)
            if isinstance(outcome, Match):
                return arguments, outcome
            if not tries:
                return None
            if outcome.position > stuck:
                units, stuck = moved, outcome.position
                break
        else:
            return None
    return None


def _units(
    usage: Usage, argv: Sequence[str], fields: Mapping[str, str]
) -> tuple[list[Unit], set[Unit]]:
    """The arguments as units, and those that are options."""
    groups = [*_option_groups(usage.sequence)]
    search = Search(argv, fields)
    units: list[Unit] = []
    options: set[Unit] = set()
    position = 0
    while position < len(argv):
        try:
            end = max(search.once(group, position).bit_length() - 1 for group in groups)
        except (Exhausted, ValueError):
            end = 0
        units.append(tuple(argv[position : max(end, position + 1)]))
        if end > position:
            options.add(units[-1])
        position += len(units[-1])
    return units, options


def _option_groups(sequence: tree.Sequence) -> Iterator[Group]:
    for item in sequence.items:
        if isinstance(item, Word):
            continue
        if item.is_option:
            yield item
        else:
            for alternative in item.alternatives:
                yield from _option_groups(alternative)


def _unit_at(units: list[Unit], position: int) -> int | None:
    """The unit that holds the argument at `position`."""
    end = 0
    for index, unit in enumerate(units):
        end += len(unit)
        if position < end:
            return index
    return None


def _moves(units: list[Unit], at: int, options: set[Unit]) -> Iterator[list[Unit]]:
    """The run of options at `at`, or what begins it, in every other place, the nearest first.

    Where there is no option, later ones are moved there.
    """
    last = at
    while last < len(units) and units[last] in options:
        last += 1
    for end in range(last, at, -1):
        rest = units[:at] + units[end:]
        for place in [*range(at - 1, -1, -1), *range(at + 1, len(rest) + 1)]:
            yield [*rest[:place], *units[at:end], *rest[place:]]
    for option in range(last + 1, len(units)):
        if units[option] in options:
            rest = units[:option] + units[option + 1 :]
            yield [*rest[:at], units[option], *rest[at:]]
