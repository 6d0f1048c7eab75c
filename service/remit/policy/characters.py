"""Which characters may stand in a value, and how any of them are shown to a person."""

from __future__ import annotations

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"

HIDDEN = "***"  # stands for the value of a secret parameter

# Looks like nothing, or reorders what is around it.
_INVISIBLE = frozenset(
    {0x00AD, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F)}
    | {*range(0x2060, 0x2070), *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)}
)


def is_plain(text: str) -> bool:
    """No control characters (C0, DEL, C1) and no lone surrogates."""
    if text.isascii() and text.isprintable():
        return True
    return not any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text)


def escape(text: str) -> str:
    """`text` for a terminal: control, bidi, invisible characters, surrogates as \\xNN, \\uNNNN."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if is_plain(character) and code not in _INVISIBLE:
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def quote(argument: str) -> str:
    """An argument as a person would type it, safe to show: in quotes where a shell needs them."""
    safe = LETTERS + DIGITS + "-_.,:=/@+%^"
    if argument and all(c in safe for c in argument.replace(HIDDEN, "")):
        return argument
    return "'" + escape(argument).replace("'", "'\\''") + "'"
