"""Usages: one line of a man page's SYNOPSIS each, read into the tree of `tree`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remit.policy.ambiguity import find_ambiguity
from remit.policy.errors import UsageError
from remit.policy.fragment import expand
from remit.policy.notation import REPEAT, Scanner
from remit.policy.parameter import Parameter
from remit.policy.printing import print_group, print_sequence, print_word
from remit.policy.structure import Value
from remit.policy.tree import Field, Group, Hole, Item, OptionSet, Part, Sequence, Word

MAX_ELEMENTS = 200
MAX_DEPTH = 8
MAX_TEXT = 16384  # characters, fragments expanded


class Usage(Value):
    """A parsed usage. Printing it and parsing that again gives an equal Usage."""

    __slots__ = ("sequence", "_parameters", "_text")

    def __init__(self, sequence: Sequence, parameters: Mapping[str, Parameter]) -> None:
        self.sequence = sequence
        self._parameters = parameters
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The canonical print."""
        if self._text is None:
            self._text = print_sequence(self.sequence, self._parameters)
        return self._text

    def __str__(self) -> str:
        return self.text

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word, from left to right."""
        return tuple(_words(self.sequence))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it uses, in order of first appearance."""
        parts = _parts(self.words)
        return tuple(dict.fromkeys(p.parameter.name for p in parts if isinstance(p, Hole)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it uses, in order of first appearance."""
        parts = _parts(self.words)
        return tuple(dict.fromkeys(p.name for p in parts if isinstance(p, Field)))

    def print_word(self, word: Word) -> str:
        """A word of this usage, as its text shows it."""
        return print_word(Word(word.head, word.tail, False), self._parameters)


def parse_usage(
    text: str, parameters: Mapping[str, Parameter], fragments: Mapping[str, str] = {}
) -> Usage:
    """Raises UsageError with column (from 1, in `text` as given) and a teaching sentence."""
    expanded, columns, used = expand(text, fragments)
    for name in used:
        _check_fragment(name, fragments[name], parameters, text)
    if len(expanded) > MAX_TEXT:
        found, most = f"{len(expanded)} characters", f"{MAX_TEXT} at most"
        raise UsageError("", found, most, sentence=f"the usage has {found}; {most}")
    parser = _Parser(Scanner(expanded, columns, parameters))
    return Usage(parser.usage(), parameters)


def unused_parameters(parameters: Iterable[str], usages: Iterable[Usage]) -> tuple[str, ...]:
    """Names that no usage uses: a warning."""
    used = {name for usage in usages for name in usage.names}
    return tuple(name for name in parameters if name not in used)


def _check_fragment(name: str, text: str, parameters: Mapping[str, Parameter], usage: str) -> None:
    """A fragment is a sequence by itself, so that what stands around it cannot change it."""
    column = usage.find(f"<{name}>") + 1
    try:
        expanded, columns, _ = expand(text, {})
        if not _Parser(Scanner(expanded, columns, parameters)).usage().items:
            raise UsageError("", "nothing", "a sequence", sentence="it is empty")
    except UsageError as error:
        raise UsageError(
            "", error.found, error.expected, column=column,
            sentence=f"in fragment <{name}>, column {error.column or 1}: {error.sentence}",
        ) from None  # fmt: skip


def _words(sequence: Sequence) -> Iterable[Word]:
    for item in sequence.items:
        if isinstance(item, Word):
            yield item
        else:
            for alternative in item.alternatives:
                yield from _words(alternative)


def _parts(words: Iterable[Word]) -> Iterable[Part]:
    for word in words:
        yield from word.forms[0]


class _Parser:
    """Recursive descent; brackets nest at most MAX_DEPTH deep."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.elements = 0
        self.depth = 0

    def usage(self) -> Sequence:
        """All of the text as one sequence, or none."""
        self._spaces()
        sequence = self._sequence() if self.scanner.peek() else Sequence(())
        if self.scanner.peek() == "|":
            raise self.scanner.error(
                "|", "one sequence", "alternatives need brackets: (a | b), [a | b] or two usages"
            )
        if self.scanner.peek():
            mark = self.scanner.peek()
            raise self.scanner.error(
                mark, "an opening bracket before it", f"the {mark} closes nothing"
            )
        return sequence

    def _sequence(self) -> Sequence:
        start = self.scanner.position
        items: list[Item] = []
        while True:
            items.append(self._item())
            spaced = self._spaces()
            if self.scanner.peek() in ("", "|", ")", "]"):
                break
            if not spaced:
                mark = self.scanner.peek()
                raise self.scanner.error(
                    mark, "a space", f"put a space before {mark}: each element is an argument"
                )
        sequence = Sequence(tuple(items))
        self._check_sets(sequence, start)
        return sequence

    def _item(self) -> Item:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise self.scanner.error(
                f"more than {MAX_ELEMENTS} elements", f"{MAX_ELEMENTS} at most",
                f"a usage has at most {MAX_ELEMENTS} elements; write several usages",
            )  # fmt: skip
        mark = self.scanner.peek()
        if mark in ("(", "["):
            return self._group(")" if mark == "(" else "]")
        if mark in ("", ")", "]", "|"):
            found, sentence = mark or "the end", "something is missing here"
            raise self.scanner.error(found, "a word or a bracket", sentence)
        return self.scanner.word()

    def _group(self, closing: str) -> Group:
        opened = self.scanner.position
        if self.depth == MAX_DEPTH:
            raise self.scanner.error(
                f"brackets {MAX_DEPTH + 1} deep", f"{MAX_DEPTH} at most",
                f"brackets nest at most {MAX_DEPTH} deep",
            )  # fmt: skip
        self.depth += 1
        self.scanner.position += 1
        alternatives = [self._alternative()]
        while self.scanner.take("|"):
            alternatives.append(self._alternative())
        if not self.scanner.take(closing):
            mark = self.scanner.peek() or "the end"
            raise self.scanner.error(
                mark, closing, f"found {mark} where {closing} should close the bracket "
                f"of column {self.scanner.columns[opened]}",
            )  # fmt: skip
        self.depth -= 1
        return Group(tuple(alternatives), closing == "]", self.scanner.take(REPEAT))

    def _alternative(self) -> Sequence:
        self._spaces()
        start = self.scanner.position
        sequence = self._sequence()
        if sequence.may_be_empty:
            raise self.scanner.error(
                "an alternative that can match nothing", "one that takes an argument",
                "this alternative can match nothing; make the bracket around it optional instead",
                start,
            )  # fmt: skip
        return sequence

    def _spaces(self) -> bool:
        start = self.scanner.position
        while self.scanner.take(" "):
            pass
        return self.scanner.position > start

    def _check_sets(self, sequence: Sequence, start: int) -> None:
        for step in sequence.steps:
            if not isinstance(step, OptionSet) or (clash := find_ambiguity(step)) is None:
                continue
            later, word, other = clash
            parameters = self.scanner.parameters
            group = print_group(step.members[later], parameters)
            one, two = (print_word(each, parameters) for each in (other, word))
            both = one if one == two else f"{one} and {two}"
            raise self.scanner.error(
                f"{group} after another option that can begin with the same argument",
                "options of one set to begin differently",
                f"two options of one set can begin with the same argument ({both}); "
                "join them: [a | b]", start,
            )  # fmt: skip
