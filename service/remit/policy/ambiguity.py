"""Can two words match the same argument? Asked of the members of a set when a usage is loaded.

Exact where one of the words has few values. Otherwise careful: two words count as ambiguous unless
the text they begin or end with tells them apart.
"""

from __future__ import annotations

from remit.policy.kind import Flags
from remit.policy.tree import Form, Hole, Literal, OptionSet, Word
from remit.policy.word import match_form

_FEW = 64


def find_ambiguity(options: OptionSet) -> tuple[int, Word, Word] | None:
    """The first pair of words of two members that may match the same argument.

    Returns the index of the second member, its word, and the other member's word.
    """
    for later, words in enumerate(options.first):
        for earlier in options.first[:later]:
            for word in words:
                for other in earlier:
                    if may_share(word, other):
                        return later, word, other
    return None


def may_share(word: Word, other: Word) -> bool:
    """May one argument match both?"""
    return any(_share(a, b) for a in word.forms for b in other.forms)


def _share(a: Form, b: Form) -> bool:
    for one, two in ((a, b), (b, a)):
        examples = _examples(one)
        if examples is not None and not _has_field(two):
            return any(match_form(two, each, {}) is not None for each in examples)
    for one, two in ((a, b), (b, a)):
        flags = _flags(one)
        if flags is not None:
            return _may_be_flags(two, flags)
    return _compatible(_edge(a, 0), _edge(b, 0)) and _compatible(
        _edge(a, -1)[::-1], _edge(b, -1)[::-1]
    )


def _has_field(form: Form) -> bool:
    return not all(isinstance(part, Literal | Hole) for part in form)


def _examples(form: Form) -> list[str] | None:
    """Every argument that the form matches, if there are few."""
    examples = [""]
    for part in form:
        texts: tuple[str, ...] | None = None
        if isinstance(part, Literal):
            texts = (part.text,)
        elif isinstance(part, Hole) and not part.parameter.is_list:
            texts = part.parameter.kind.examples()
            if texts is not None and part.parameter.matches("", True):
                texts = (*texts, "")
        if texts is None or len(examples) * len(texts) > _FEW:
            return None
        examples = [before + text for before in examples for text in texts]
    return examples


def _flags(form: Form) -> str | None:
    """The letters, if the form is one `flags` parameter and nothing else."""
    if len(form) == 1 and isinstance(form[0], Hole):
        parameter = form[0].parameter
        kind = parameter.kind
        if isinstance(kind, Flags) and not parameter.is_list and not parameter.matches("", True):
            return kind.letters
    return None


def _may_be_flags(form: Form, letters: str) -> bool:
    other = _flags(form)
    if other is not None:
        return bool(set(letters) & set(other))
    begin = _edge(form, 0)
    return begin[:1] in ("", "-") and set(letters).issuperset(begin[1:])


def _edge(form: Form, index: int) -> str:
    """The literal text at the form's beginning (0) or end (-1)."""
    part = form[index] if form else None
    return part.text if isinstance(part, Literal) else ""


def _compatible(one: str, two: str) -> bool:
    return one.startswith(two) or two.startswith(one)
