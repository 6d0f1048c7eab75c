"""NAMEs: how parameters are called, and where they stand in text."""

from __future__ import annotations

from collections.abc import Iterator

from remit.policy.characters import DIGITS

_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REST = _FIRST | frozenset(DIGITS + "_")


def find_names(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each longest NAME in `text`, from left to right."""
    start = 0
    while start < len(text):
        end = start + 1
        if text[start] in _FIRST:
            while end < len(text) and text[end] in _REST:
                end += 1
            if end - start > 1:
                yield start, end
        start = end


def is_name(text: str) -> bool:
    """Is all of `text` one NAME?"""
    return (0, len(text)) in find_names(text)
