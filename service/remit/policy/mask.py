"""Hides the values of secret parameters where a request is shown.

Of an accepted request the values are known. Of a refused one they can only be guessed, and the
guess hides rather too much: what was, or may have been, meant for a secret parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from remit.policy.characters import HIDDEN
from remit.policy.match import Mismatch, Values
from remit.policy.tree import Field, Hole, Literal, Word
from remit.policy.usage import Usage


def mask_values(arguments: Sequence[str], values: Values) -> tuple[str, ...]:
    """The arguments of an accepted request."""
    shown = list(arguments)
    for position, span in reversed(values):
        if span.parameter.secret:
            argument = shown[position]
            shown[position] = argument[: span.start] + HIDDEN + argument[span.end :]
    return tuple(shown)


def mask_tries(
    arguments: Sequence[str], tries: Iterable[tuple[Usage, Mismatch]], fields: Mapping[str, str]
) -> tuple[str, ...]:
    """The arguments of a refused request, after every usage was tried."""
    tried = list(tries)
    nearest = max((mismatch.examined for _, mismatch in tried), default=0)
    literals = {text for usage, _ in tried for word in usage.words if (text := _literal(word))}
    shown = list(arguments)
    for usage, mismatch in tried:
        suspects = list(mismatch.secrets)
        if mismatch.examined == nearest:
            secret = [word for word in usage.words if word.is_secret]
            rest = range(nearest, len(arguments))
            suspects += [(position, word) for position in rest for word in secret]
        for position, word in suspects:
            if position < len(shown) and arguments[position] not in literals:
                shown[position] = _hide(shown[position], word, fields)
    return tuple(shown)


def _literal(word: Word) -> str:
    """The word's text, if it is nothing but one literal."""
    only = word.forms[0]
    return only[0].text if len(only) == 1 and isinstance(only[0], Literal) else ""


def _hide(argument: str, word: Word, fields: Mapping[str, str]) -> str:
    """Hide everything behind the text that the word begins with, if the argument does too."""
    prefix = ""
    for part in word.forms[0]:
        if isinstance(part, Hole):
            if not prefix and argument[:1] == "-" and not part.parameter.matches(argument, True):
                return argument
            break
        prefix += fields.get(part.name, "") if isinstance(part, Field) else part.text
    return prefix + HIDDEN if argument.startswith(prefix) else argument
