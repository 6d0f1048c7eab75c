"""Which names are near to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64
_MOST = 3


def nearest_names(word: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `names`, the nearest first: few changed letters, or one begins the other."""
    if not 0 < len(word) <= _LONGEST:
        return ()
    base = word.rpartition("/")[2] or word
    ranked = []
    for name in dict.fromkeys(names):
        away = distance(base, name[:_LONGEST])
        begins = len(base) > 1 and (name.startswith(base) or base.startswith(name))
        if away <= max(1, len(base) // 3) or begins:
            ranked.append((away, name))
    return tuple(name for _, name in sorted(ranked)[:_MOST])


def distance(one: str, two: str) -> int:
    """Letters to insert, delete, replace or swap with their neighbour (Damerau, restricted)."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(two, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
