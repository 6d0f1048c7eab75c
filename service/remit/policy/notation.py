"""Reads the text of one word: literals, quotes, parameters and fields, and an optional end.

A NAME outside quotes is a parameter if it fills a whole segment of its word, that is from the
word's start or one of `= : , / @ + %` to its end or one of these. Where the optional end begins
counts as neither, since the word must be read the same with and without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remit.policy.characters import DIGITS, LETTERS, is_plain
from remit.policy.errors import UsageError
from remit.policy.field import FIELDS
from remit.policy.name import find_names, is_name
from remit.policy.parameter import Parameter
from remit.policy.tree import Field, Form, Hole, Literal, Part, Word, join

BARE = frozenset(LETTERS + DIGITS + "-_.,:=/@+%~^#!?*&")
SEPARATORS = frozenset("=:,/@+%")
REPEAT = "..."

_OPAQUE = "\0"  # in the mask of a word: something quoted or in braces
_END_BEGINS = "\1"  # where the optional end begins


class Scanner:
    """A text and a position in it; `columns` maps positions to columns of what the person wrote."""

    def __init__(
        self, text: str, columns: Sequence[int], parameters: Mapping[str, Parameter]
    ) -> None:
        self.text = text
        self.columns = columns
        self.parameters = parameters
        self.position = 0

    def peek(self) -> str:
        """The next character, "" at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, token: str) -> bool:
        """Go past `token` if it comes next."""
        found = self.text.startswith(token, self.position)
        self.position += len(token) * found
        return found

    def error(self, found: str, expected: str, sentence: str, at: int | None = None) -> UsageError:
        """The error at position `at`, or at the current one."""
        where = self.position if at is None else at
        beyond = self.columns[-1] + 1 if self.columns else 1
        column = self.columns[where] if where < len(self.columns) else beyond
        return UsageError("", found, expected, column=column, sentence=sentence)

    def word(self) -> Word:
        """The word that begins here."""
        start = self.position
        reader = _WordReader(self)
        reader.units()
        repeats = self.peek() != "[" and reader.strip_repeat()
        if not reader.mask:
            raise self.error(
                repr(self.peek() or REPEAT), "a word",
                "write ... directly behind what it repeats, without a space", start,
            )  # fmt: skip
        if self.take("["):
            reader.begin_end()
            reader.units()
            if not self.take("]"):
                raise self._bad_end()
            repeats = self.take(REPEAT)
        head, tail = reader.parts()
        return Word(head, tail, repeats)

    def _bad_end(self) -> UsageError:
        return self.error(
            repr(self.peek()) if self.peek() else "the end",
            "]",
            "the optional end of a word holds one piece without spaces, brackets and |; "
            "for an optional argument put a space before [",
        )


class _WordReader:
    """Collects a word's units: a character of `mask` for each, in `meant` the part if opaque."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.mask = ""
        self.meant: list[Part | None] = []
        self.places: list[int] = []
        self.has_end = False

    def units(self) -> None:
        """Read up to a space, bracket, | or the end."""
        scanner = self.scanner
        while (character := scanner.peek()) and character not in " ()[]|":
            place = scanner.position
            if character in "'\"":
                self._add(_OPAQUE, self._quoted(character), place)
            elif character == "{":
                self._add(_OPAQUE, self._braced(), place)
            elif character in BARE:
                self._add(character, None, place)
                scanner.position += 1
            else:
                raise scanner.error(
                    repr(character), "a word, a bracket or |",
                    f"{character!r} has no meaning here; for itself write it in quotes",
                )  # fmt: skip

    def _add(self, mark: str, meant: Part | None, place: int) -> None:
        self.mask += mark
        self.meant.append(meant)
        self.places.append(place)

    def _quoted(self, mark: str) -> Literal:
        scanner = self.scanner
        start = scanner.position + 1
        end = scanner.text.find(mark, start)
        if end < 0:
            raise scanner.error(mark, f"a closing {mark}", f"the {mark} is never closed")
        text = scanner.text[start:end]
        if not is_plain(text):
            raise scanner.error(
                "a control character", "printable text", "quotes hold no control characters"
            )
        scanner.position = end + 1
        return Literal(text)

    def _braced(self) -> Part:
        scanner = self.scanner
        name, closed, _ = scanner.text[scanner.position + 1 :].partition("}")
        if closed and name in FIELDS:
            part: Part = Field(name)
        elif closed and name in scanner.parameters:
            part = Hole(scanner.parameters[name])
        else:
            raise scanner.error(
                "{" + name[:40] + closed, "{NAME} or {field}",
                f"{{...}} holds a parameter or one of {', '.join(FIELDS)}",
            )  # fmt: skip
        scanner.position += len(name) + 2
        return part

    def strip_repeat(self) -> bool:
        """Drop a final `...`."""
        if not self.mask.endswith(REPEAT):
            return False
        self.mask = self.mask[: -len(REPEAT)]
        return True

    def begin_end(self) -> None:
        """The optional end begins here."""
        self._add(_END_BEGINS, None, self.scanner.position)
        self.has_end = True

    def parts(self) -> tuple[Form, Form | None]:
        """The parts of head and tail."""
        names = self._names()
        forms: list[Form] = [()]
        at = 0
        while at < len(self.mask):
            end = names.get(at, at + 1)
            meant = self.meant[at]
            if self.mask[at] == _END_BEGINS:
                forms.append(())
            else:
                if at in names:
                    meant = Hole(self.scanner.parameters[self.mask[at:end]])
                self._append(forms, meant or Literal(self.mask[at:end]), self.places[at])
            at = end
        return forms[0], forms[1] if self.has_end else None

    def _append(self, forms: list[Form], part: Part, place: int) -> None:
        before = join(forms[0], forms[-1]) if len(forms) > 1 else forms[-1]
        if isinstance(part, Hole) and before and isinstance(before[-1], Hole):
            raise self.scanner.error(
                "two parameters without text between them", "text between them",
                "two parameters may not touch: where the first ends could not be told", place,
            )  # fmt: skip
        if part != Literal(""):
            forms[-1] = join(forms[-1], (part,))

    def _names(self) -> dict[int, int]:
        """Start and end, in the mask, of each NAME that is a parameter."""
        names: dict[int, int] = {}
        start = 0
        for end in range(len(self.mask) + 1):
            if end == len(self.mask) or self.mask[end] in SEPARATORS:
                self._segment(start, end, names)
                start = end + 1
        return names

    def _segment(self, start: int, end: int, names: dict[int, int]) -> None:
        while start < end and self.mask[start] == _END_BEGINS:
            start += 1
        while start < end and self.mask[end - 1] == _END_BEGINS:
            end -= 1
        segment = self.mask[start:end]
        parameters = self.scanner.parameters
        if is_name(segment):
            if segment not in parameters:
                raise self.scanner.error(
                    segment, "a parameter",
                    f"{segment} is no parameter here; for the word itself write '{segment}'",
                    self.places[start],
                )  # fmt: skip
            names[start] = end
            return
        for first, last in find_names(segment):
            name = segment[first:last]
            if name in parameters:
                raise self.scanner.error(
                    f"{name} in the middle of a word", f"{{{name}}} or '{name}'",
                    f"{name} does not fill its part of the word; for the parameter write "
                    f"{{{name}}}, for the text write '{name}'",
                    self.places[start + first],
                )  # fmt: skip
