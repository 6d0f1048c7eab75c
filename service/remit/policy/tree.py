"""The tree of a usage: words, groups, sets of options, sequences.

Nodes are equal when they mean the same request vectors in the same order; where they stood in the
text is not kept. What the matcher needs to know of a node again and again is computed once here.
"""

from __future__ import annotations

from remit.policy.kind import Flags
from remit.policy.parameter import Parameter
from remit.policy.structure import Value


class Literal(Value):
    """Text that stands for itself."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Field(Value):
    """`{caller}` and the like: literal text that is known when the session opens."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Hole(Value):
    """A parameter's place in a word."""

    __slots__ = ("parameter",)

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter


Part = Literal | Field | Hole
Form = tuple[Part, ...]  # literals not empty and never side by side, nor are holes


class Word(Value):
    """One argument. With a tail, `a[b]`, it has two forms: `ab`, then `a`."""

    __slots__ = ("head", "tail", "repeats", "_forms")

    def __init__(self, head: Form, tail: Form | None, repeats: bool) -> None:
        self.head = head
        self.tail = tail
        self.repeats = repeats
        self._forms = (head,) if tail is None else (join(head, tail), head)

    @property
    def forms(self) -> tuple[Form, ...]:
        """What the argument may look like, in the order in which they are tried."""
        return self._forms

    @property
    def is_option(self) -> bool:
        """Does it begin with `-`, or with a `flags` parameter?"""
        begin = self.head[0] if self.head else None
        if isinstance(begin, Hole):
            return isinstance(begin.parameter.kind, Flags)
        return isinstance(begin, Literal) and begin.text[0] == "-"

    @property
    def is_secret(self) -> bool:
        """Has it a secret parameter?"""
        return any(isinstance(part, Hole) and part.parameter.secret for part in self._forms[0])


class Group(Value):
    """`(a | b)` or `[a | b]`, perhaps repeated. No alternative can match nothing."""

    __slots__ = ("alternatives", "optional", "repeats")

    def __init__(self, alternatives: tuple[Sequence, ...], optional: bool, repeats: bool) -> None:
        self.alternatives = alternatives
        self.optional = optional
        self.repeats = repeats

    @property
    def first(self) -> tuple[Word, ...]:
        """The words with which it can begin."""
        return tuple(word for each in self.alternatives for word in each.first)

    @property
    def is_option(self) -> bool:
        """Does each alternative begin with a word that begins with `-`, whatever is left out?"""
        return all(word.is_option for word in self.first)


class OptionSet(Value):
    """A run of adjacent option groups: any order, each as often as it says."""

    __slots__ = ("members", "_first")

    def __init__(self, members: tuple[Group, ...]) -> None:
        self.members = members
        self._first = tuple(member.first for member in members)

    @property
    def first(self) -> tuple[tuple[Word, ...], ...]:
        """For each member the words with which it can begin."""
        return self._first


Item = Word | Group
Step = Word | Group | OptionSet


class Sequence(Value):
    """Items one after the other; `steps` are the same with runs of option groups made sets."""

    __slots__ = ("items", "_steps")

    def __init__(self, items: tuple[Item, ...]) -> None:
        self.items = items
        self._steps = tuple(_steps(items))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Words, groups that are no options, and sets, in written order."""
        return self._steps

    @property
    def may_be_empty(self) -> bool:
        """Can it match no argument at all?"""
        return all(isinstance(item, Group) and item.optional for item in self.items)

    @property
    def first(self) -> tuple[Word, ...]:
        """The words with which it can begin."""
        words: list[Word] = []
        for step in self._steps:
            if isinstance(step, Word):
                return (*words, step)
            if isinstance(step, Group):
                words += step.first
                if not step.optional:
                    break
                continue
            words += (word for first in step.first for word in first)
            if not all(member.optional for member in step.members):
                break
        return tuple(words)


def join(head: Form, tail: Form) -> Form:
    """One form after the other, literals that meet made one."""
    if head and tail and isinstance(head[-1], Literal) and isinstance(tail[0], Literal):
        return (*head[:-1], Literal(head[-1].text + tail[0].text), *tail[1:])
    return head + tail


def _steps(items: tuple[Item, ...]) -> list[Step]:
    steps: list[Step] = []
    run: list[Group] = []
    for item in items:
        if isinstance(item, Group) and item.is_option:
            run.append(item)
            continue
        if run:
            steps.append(OptionSet(tuple(run)))
            run = []
        steps.append(item)
    if run:
        steps.append(OptionSet(tuple(run)))
    return steps
