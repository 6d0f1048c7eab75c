"""A second reading of the grammar, written to be obviously right and not to be fast.

It has a tree, a printer and two naive matchers of its own: `derivations` back-tracks through every
derivation in the order that the grammar gives, `language` enumerates every vector up to a length.
Neither shares a line with the product. `usages` makes random trees.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from remit.policy.parameter import Parameter, parse_parameter

PARAMETERS = {
    "TEXT": parse_parameter("TEXT", {"text": True}),
    "NUM": parse_parameter("NUM", {"integer": [0, 1]}),
    "ANY": parse_parameter("ANY", {"any": True}),
    "FLAGS": parse_parameter("FLAGS", {"flags": "xz"}),
}
ALPHABET = ("a", "b", "-x", "-y", "0", "-xz")
_TAKES = {
    "TEXT": {"a", "b", "0"},
    "NUM": {"0"},
    "ANY": set(ALPHABET),
    "FLAGS": {"-x", "-xz"},
}

Vector = tuple[str, ...]
Binding = tuple[str, str]


class Word:
    def __init__(self, text: str, repeats: bool = False) -> None:
        self.text = text
        self.repeats = repeats

    def takes(self, argument: str) -> bool:
        return argument in _TAKES.get(self.text, {self.text})

    def __str__(self) -> str:
        return self.text + "..." * self.repeats


class Group:
    def __init__(self, alternatives: list[list[Item]], optional: bool, repeats: bool) -> None:
        self.alternatives = alternatives
        self.optional = optional
        self.repeats = repeats

    def is_option(self) -> bool:
        return all(begins_with_dash(each) for each in self.alternatives)

    def __str__(self) -> str:
        inner = " | ".join(show(each) for each in self.alternatives)
        return (f"[{inner}]" if self.optional else f"({inner})") + "..." * self.repeats


Item = Word | Group


def show(items: list[Item]) -> str:
    return " ".join(str(item) for item in items)


def begins_with_dash(items: list[Item]) -> bool:
    for item in items:
        if isinstance(item, Word):
            return item.text[0] == "-" or item.text == "FLAGS"
        if not item.is_option():
            return False
        if not item.optional:
            return True
    return False


def split(items: list[Item]) -> tuple[list[Group], list[Item]]:
    """The set at the beginning, and what follows it."""
    run: list[Group] = []
    for item in items:
        if isinstance(item, Word) or not item.is_option():
            break
        run.append(item)
    return run, items[len(run) :]


# ---- every derivation, in order ----------------------------------------------------------------

Derivation = tuple[int, tuple[Binding, ...]]


def derivations(items: list[Item], argv: Vector, at: int = 0) -> Iterator[Derivation]:
    """(end, bindings) of every derivation of a prefix of argv[at:]."""
    if not items:
        yield at, ()
        return
    run, rest = split(items)
    if run:
        begun = _in_set(run, argv, at, frozenset())
    else:
        begun = _item(items[0], argv, at)
        rest = items[1:]
    for middle, bindings in begun:
        for end, more in derivations(rest, argv, middle):
            yield end, bindings + more


def _item(item: Item, argv: Vector, at: int) -> Iterator[Derivation]:
    for middle, bindings in _once(item, argv, at):
        if item.repeats:
            for end, more in _item(item, argv, middle):
                if end > middle:
                    yield end, bindings + more
        yield middle, bindings
    if isinstance(item, Group) and item.optional:
        yield at, ()


def _once(item: Item, argv: Vector, at: int) -> Iterator[Derivation]:
    if isinstance(item, Group):
        for alternative in item.alternatives:
            yield from derivations(alternative, argv, at)
    elif at < len(argv) and item.takes(argv[at]):
        yield at + 1, ((item.text, argv[at]),) if item.text in PARAMETERS else ()


def _in_set(
    run: list[Group], argv: Vector, at: int, used: frozenset[int]
) -> Iterator[Derivation]:
    for index, member in enumerate(run):
        if index in used and not member.repeats:
            continue
        for middle, bindings in _once(member, argv, at):
            for end, more in _in_set(run, argv, middle, used | {index}):
                yield end, bindings + more
    if all(member.optional or index in used for index, member in enumerate(run)):
        yield at, ()


def first_derivation(items: list[Item], argv: Vector) -> tuple[Binding, ...] | None:
    for end, bindings in derivations(items, argv):
        if end == len(argv):
            return bindings
    return None


# ---- every vector ------------------------------------------------------------------------------


def language(items: list[Item], most: int) -> set[Vector]:
    """Every accepted vector over ALPHABET of at most `most` arguments."""
    if not items:
        return {()}
    run, rest = split(items)
    begun = _set_language(run, most) if run else _item_language(items[0], most)
    rest = rest if run else items[1:]
    tails = {n: language(rest, n) for n in range(most + 1)}
    return {head + tail for head in begun for tail in tails[most - len(head)]}


def _item_language(item: Item, most: int) -> set[Vector]:
    once = _once_language(item, most)
    found = set(once)
    while item.repeats:
        longer = {a + b for a in found for b in once if len(a) + len(b) <= most} | found
        if longer == found:
            break
        found = longer
    return found | {()} if isinstance(item, Group) and item.optional else found


def _once_language(item: Item, most: int) -> set[Vector]:
    if isinstance(item, Group):
        return set().union(*(language(each, most) for each in item.alternatives))
    return {(argument,) for argument in ALPHABET if item.takes(argument)} if most else set()


def _set_language(run: list[Group], most: int, used: frozenset[int] = frozenset()) -> set[Vector]:
    found: set[Vector] = set()
    if all(member.optional or index in used for index, member in enumerate(run)):
        found.add(())
    for index, member in enumerate(run):
        if index not in used or member.repeats:
            for head in _once_language(member, most):
                if head:
                    rest = _set_language(run, most - len(head), used | {index})
                    found |= {head + tail for tail in rest}
    return found


# ---- random trees ------------------------------------------------------------------------------

_words = st.builds(
    Word,
    st.sampled_from(["a", "b", "-x", "-y", "TEXT", "NUM", "ANY", "FLAGS"]),
    st.sampled_from([False, False, True]),
)


def _groups(sequences: st.SearchStrategy[list[Item]]) -> st.SearchStrategy[Group]:
    options = st.tuples(
        st.sampled_from(["-x", "-y", "-xz", "FLAGS"]).map(Word), st.lists(_words, max_size=1)
    ).map(lambda pair: [pair[0], *pair[1]])
    alternatives = st.one_of(
        st.lists(options, min_size=1, max_size=2), st.lists(sequences, min_size=1, max_size=2)
    )
    return st.builds(Group, alternatives, st.booleans(), st.sampled_from([False, False, True]))


_sequences: st.SearchStrategy[list[Item]] = st.recursive(
    st.lists(_words, min_size=1, max_size=2),
    lambda inner: st.lists(st.one_of(_words, _groups(inner)), min_size=1, max_size=3),
    max_leaves=5,
)
usages = st.lists(st.one_of(_words, _groups(_sequences)), max_size=4)
vectors = st.lists(st.sampled_from(ALPHABET), max_size=6).map(tuple)


def parameters() -> dict[str, Parameter]:
    return dict(PARAMETERS)
