"""Text for a person: what others wrote made safe for a terminal, tables, spans of time.

Returns text; prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

INDENT = "  "
SPANS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def clean(text: str) -> str:
    """One line with every control, format and bidirectional character made visible."""
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def clean_lines(text: str) -> str:
    """Several lines, each clean; tabs become blanks. All but the first are indented, so that none
    passes for a line of remit's own; those that are indented already keep their columns."""
    first, *others = (clean(line.expandtabs()) for line in text.split("\n"))
    return "\n".join([first, *map(_indented, others)])


def _indented(line: str) -> str:
    return line if not line or line.startswith(INDENT) else INDENT + line


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns in the form of systemctl: padded with two blanks between, no lines, ends bare."""
    lines = [head, *([clean(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def render_span(seconds: int) -> str:
    """`45s`, `12m`, `2h 5m`: the two largest units, as `systemctl list-timers` has it."""
    parts = []
    for unit, size in SPANS:
        if seconds >= size:
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def render_columns(pairs: Iterable[tuple[str, str]], indent: int = 2) -> str:
    """Words with their explanations beside them."""
    pairs = list(pairs)
    width = max((len(word) for word, _ in pairs), default=0)
    return "".join(f"{'':{indent}}{word:{width}}  {text}".rstrip() + "\n" for word, text in pairs)
