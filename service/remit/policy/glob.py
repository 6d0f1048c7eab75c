"""Globs of units and of `except`: `*` is any run of characters, `?` any one; nothing else."""

from __future__ import annotations


def matches_glob(glob: str, value: str) -> bool:
    """Does the whole of `value` match? At most len(glob) * len(value) steps."""
    at = seen = 0
    star = -1
    while seen < len(value):
        if at < len(glob) and glob[at] == "*":
            star, mark = at, seen
            at += 1
        elif at < len(glob) and glob[at] in ("?", value[seen]):
            at += 1
            seen += 1
        elif star >= 0:
            mark += 1
            at, seen = star + 1, mark
        else:
            return False
    return all(c == "*" for c in glob[at:])


def matches_any(globs: tuple[str, ...], value: str) -> bool:
    """Does `value` match one of `globs`?"""
    return any(matches_glob(glob, value) for glob in globs)
