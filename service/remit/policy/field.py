"""The five things known only when a session opens: `{caller} {uid} {home} {endpoint} {session}`."""

from __future__ import annotations

from collections.abc import Mapping

from remit.policy.errors import PolicyError

FIELDS = ("caller", "uid", "home", "endpoint", "session")


def fill(text: str, fields: Mapping[str, str]) -> str:
    """`text` with each `{field}` replaced, once: a replacement is never looked at again.

    Braces around anything but a field's name stay as they are. Raises PolicyError for a field that
    `fields` lacks.
    """
    pieces = text.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, brace, rest = piece.partition("}")
        if not brace or name not in FIELDS:
            filled.append("{" + piece)
        elif name in fields:
            filled.append(fields[name] + rest)
        else:
            raise PolicyError("", f"{{{name}}}", "a field that is known here")
    return "".join(filled)


def fill_table(table: Mapping[str, object], fields: Mapping[str, str]) -> dict[str, object]:
    """A parameter's table, not yet parsed, with the fields in `values` and `path` filled in."""
    filled = dict(table)
    for key in ("values", "path"):
        entries = table.get(key)
        if isinstance(entries, list | tuple):
            filled[key] = [fill(e, fields) if isinstance(e, str) else e for e in entries]
    return filled
