"""Puts the texts of fragments, `<name>`, in their places before a usage is parsed."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.errors import UsageError


def expand(text: str, fragments: Mapping[str, str]) -> tuple[str, list[int], list[str]]:
    """The text with fragments replaced, the column each character came from, the names used.

    All characters of a fragment have the column of its `<`. Raises UsageError for an unknown one.
    """
    expanded: list[str] = []
    columns: list[int] = []
    used: list[str] = []
    at = 0
    while at < len(text):
        end = at + 1
        piece = text[at]
        if piece in "'\"":
            end = (text.find(piece, at + 1) + 1) or len(text)
            piece = text[at:end]
            columns.extend(range(at + 1, end + 1))
        elif piece == "<":
            name, end = _name(text, at)
            piece = _text(name, fragments, at)
            used.append(name)
            columns.extend([at + 1] * len(piece))
        else:
            columns.append(at + 1)
        expanded.append(piece)
        at = end
    return "".join(expanded), columns, used


def _name(text: str, at: int) -> tuple[str, int]:
    end = text.find(">", at)
    name = text[at + 1 : end] if end > 0 else ""
    lower = "abcdefghijklmnopqrstuvwxyz"
    if name[:1] not in lower or not name or set(name) - set(lower + "0123456789-"):
        raise UsageError(
            "", "<", "a fragment such as <paging>", column=at + 1,
            sentence="< begins a fragment's name, as in <paging>; for itself write '<'",
        )  # fmt: skip
    return name, end + 1


def _text(name: str, fragments: Mapping[str, str], at: int) -> str:
    if name not in fragments:
        known = ", ".join(f"<{each}>" for each in fragments) or "none here"
        raise UsageError(
            "", f"<{name}>", f"a fragment ({known})", column=at + 1,
            sentence=f"there is no fragment <{name}>; there is: {known}",
        )  # fmt: skip
    return fragments[name]
