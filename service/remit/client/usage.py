"""How the command line may be wrong: one error, with what was found and what was expected."""

from __future__ import annotations

from collections.abc import Iterable

from remit.wire.problem import Problem


class UsageProblem(Problem):
    """The command line itself is wrong; nothing has been tried yet."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid", message)


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean X?` for the nearest of `known`, or all of them if they are few."""
    from difflib import get_close_matches  # dear, and only for mistakes

    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
