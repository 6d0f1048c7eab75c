"""Which characters may stand in a value, and how any of them are shown to a person."""

from __future__ import annotations

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"

HIDDEN = "***"  # stands for the value of a secret parameter


def is_plain(text: str) -> bool:
    """No control characters (C0, DEL, C1) and no lone surrogates."""
    if text.isascii() and text.isprintable():
        return True
    return not any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text)


def escape(text: str) -> str:
    """`text` for a terminal: what Unicode does not call printable as \\xNN, \\uNNNN, \\UNNNNNNNN.

    That is control, bidi and other format characters, spaces but the one, surrogates, private and
    unassigned characters.
    """
    return text if text.isprintable() else "".join(_escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if character.isprintable():
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
