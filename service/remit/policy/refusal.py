"""The text of a refusal, safe for a terminal."""

from __future__ import annotations

from remit.policy.characters import escape, quote
from remit.policy.decide import UNKNOWN_COMMAND, Refused

MAX_SHOWN = 400  # characters of the request; what stands far from the refused argument is left out
_CUT = "..."


def render(refused: Refused) -> str:
    """Several lines, the first beginning with `remit: `, without a final newline."""
    if refused.code == UNKNOWN_COMMAND:
        return _unknown(refused)
    lines = _request(refused)
    lines += [f"  allowed: {escape(usage)}" for usage in refused.nearest]
    if refused.suggestion:
        suggestion = " ".join(quote(argument) for argument in refused.suggestion)
        if len(suggestion) <= MAX_SHOWN:
            lines.append(f"  try:     {suggestion}")
    return "\n".join(lines)


def _unknown(refused: Refused) -> str:
    word = quote(_shorten(refused.argv[0]))
    lines = [f"remit: {word} is not in {escape(refused.endpoint)}"]
    if refused.nearest:
        lines.append(f"  nearest: {escape(', '.join(refused.nearest))}")
    return "\n".join(lines)


def _shorten(argument: str) -> str:
    return argument if len(argument) <= MAX_SHOWN else argument[:MAX_SHOWN] + _CUT


def _request(refused: Refused) -> list[str]:
    """The request, and beneath it where it went wrong."""
    words = [quote(_shorten(argument)) for argument in refused.argv]
    at = refused.position
    name, before, rest = words[0], words[1:at], words[at:]
    while len(before) > 1 and len(" ".join(before)) > MAX_SHOWN:
        before = [_CUT, *before[2 if before[0] == _CUT else 1 :]]
    while len(rest) > 1 and len(" ".join(rest)) > MAX_SHOWN:
        rest = [*rest[: -2 if rest[-1] == _CUT else -1], _CUT]
    lead = " ".join(["remit: refused:", name, *before]) + " "
    return [(lead + " ".join(rest)).rstrip(), " " * len(lead) + _mark(refused, rest)]


def _mark(refused: Refused, rest: list[str]) -> str:
    if rest:
        return "^" * len(rest[0]) + " not expected here"
    *others, last = refused.expected or ("something",)
    missing = f"{', '.join(others)} or {last}" if others else last
    return f"^ missing: {escape(missing)}"
