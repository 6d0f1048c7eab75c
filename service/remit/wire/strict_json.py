"""Strict JSON, from the two C functions that the standard library's json is made of.

`import json` brings `re` and `enum`, which cost a session's worker 8 ms of its start and a
megabyte (measured; the functions have been the same from Python 2.7 on). Owns what strict means:
no key twice, no fraction, NaN or Infinity. Lone surrogates come through: the fields' checks see to
them.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_scanner

_SPACE = " \t\n\r"


class _Rules:
    """What the scanner asks its context."""

    strict = True  # no control characters in strings
    object_hook = None
    parse_int = int
    memo: dict[str, str] = {}  # noqa: RUF012 - never filled: asked for, and left alone

    @staticmethod
    def object_pairs_hook(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key twice in one object")
        return found

    @staticmethod
    def parse_float(text: str) -> object:
        raise ValueError(f"{text[:16]} is not a whole number")

    parse_constant = parse_float


_scan = make_scanner(_Rules)  # type: ignore[arg-type]  # the stub wants a scanner to copy


def loads(text: str) -> object:
    """The value. ValueError says what is wrong; RecursionError for what is nested too deeply."""
    text = text.strip(_SPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration as stop:
        raise ValueError(f"no value at character {stop.value}") from None
    if end != len(text):
        raise ValueError(f"more than one value, from character {end} on")
    return value


def dumps(value: object) -> str:
    """The shortest text, in ASCII. TypeError for anything that `loads` would not give back."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dumps, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(map(_pair, value.items())) + "}"
    raise TypeError(f"{type(value).__name__} has no place in a message")


def _pair(item: tuple[object, object]) -> str:
    key, value = item
    if not isinstance(key, str):
        raise TypeError("a key of an object is text")
    return f"{encode_basestring_ascii(key)}:{dumps(value)}"
