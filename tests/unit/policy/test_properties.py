"""What must hold of every usage and every request: the properties (a) to (g) of the grammar."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from remit.policy import search
from remit.policy.command import Command, Policy, Role
from remit.policy.decide import Allowed, decide
from remit.policy.errors import UsageError
from remit.policy.match import Match, Mismatch, match
from remit.policy.structure import Value
from remit.policy.tree import Field, Group, Hole, Literal, Sequence, Word
from remit.policy.usage import Usage, parse_usage
from tests.unit.policy import reference
from tests.unit.policy.reference import ALPHABET, PARAMETERS, Item, Vector

LENGTH = 3
SHORT = [v for n in range(LENGTH + 1) for v in itertools.product(ALPHABET, repeat=n)]

lightly = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def loaded(items: list[Item]) -> Usage:
    """The usage, if the rules of loading admit it."""
    try:
        return parse_usage(reference.show(items), PARAMETERS)
    except UsageError:
        assume(False)
        raise


def accepts(usage: Usage, argv: Vector | list[str]) -> bool:
    return isinstance(match(usage, argv, {}), Match)


@lightly
@given(reference.usages, st.data())
def test_a_what_is_derived_is_accepted(items: list[Item], data: st.DataObject) -> None:
    usage = loaded(items)
    derived = sorted(reference.language(items, 4))
    assume(derived)
    assert accepts(usage, data.draw(st.sampled_from(derived)))


@lightly
@given(reference.usages)
def test_b_membership_is_enumeration(items: list[Item]) -> None:
    usage = loaded(items)
    language = reference.language(items, LENGTH)
    assert {vector for vector in SHORT if accepts(usage, vector)} == language


def test_b_forgetting_used_options_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FEW_STATES", 0)
    a, b, c = (reference.Word(text) for text in ("-x", "-y", "-xz"))
    anything = reference.Group([[reference.Word("ANY")]], True, False)
    pairs = [*itertools.product([True, False], repeat=2)]
    for optional, repeats in itertools.product(pairs, repeat=2):
        items: list[Item] = [
            reference.Group([[a, anything]], optional[0], repeats[0]),
            reference.Group([[b, anything]], optional[1], repeats[1]),
            reference.Group([[c]], optional[0], repeats[1]),
        ]
        usage = loaded(items)
        for vector in SHORT:
            expected = reference.first_derivation(items, vector)
            outcome = match(usage, vector, {})
            assert (outcome.bindings if isinstance(outcome, Match) else None) == expected


@lightly
@given(reference.usages, st.lists(reference.vectors, max_size=20))
def test_bindings_are_those_of_the_first_derivation(
    items: list[Item], vectors: list[Vector]
) -> None:
    usage = loaded(items)
    for vector in [*vectors, *sorted(reference.language(items, LENGTH))[:20]]:
        expected = reference.first_derivation(items, vector)
        outcome = match(usage, vector, {})
        assert isinstance(outcome, Match) == (expected is not None)
        if isinstance(outcome, Match):
            assert outcome.bindings == expected


SET = parse_usage(
    "x (-u TEXT) [-n NUM | --n=NUM] [-e TEXT [-E]]... ([-q] -v)... [-f] y", PARAMETERS
)
OCCURRENCES = ["-u a", "-u b", "-n 0", "--n=1", "-e a", "-e b -E", "-v", "-q -v", "-f", "-z"]


@settings(lightly, max_examples=300)
@given(st.lists(st.sampled_from(OCCURRENCES), max_size=7), st.randoms(use_true_random=False))
def test_c_order_within_a_set_never_matters(occurrences: list[str], random: object) -> None:
    def verdict() -> bool:
        return accepts(SET, ["x", *" ".join(occurrences).split(), "y"])

    before = verdict()
    random.shuffle(occurrences)  # type: ignore[attr-defined]
    assert verdict() == before
    rest = {"-n 0", "--n=1"} & set(occurrences), {"-u a", "-u b"} & set(occurrences)
    counts = [sum(occurrences.count(each) for each in group) for group in rest]
    expected = counts[0] <= 1 and counts[1] == 1 and occurrences.count("-f") <= 1
    assert before == (
        expected and "-z" not in occurrences and {"-v", "-q -v"} & set(occurrences) != set()
    )


@lightly
@given(reference.usages, st.data())
def test_d_an_argument_that_no_word_accepts_refuses(
    items: list[Item], data: st.DataObject
) -> None:
    usage = loaded(items)
    derived = [list(vector) for vector in sorted(reference.language(items, 4)) if vector]
    assume(derived)
    argv = data.draw(st.sampled_from(derived))
    argv[data.draw(st.integers(0, len(argv) - 1))] = "\x07"
    assert not accepts(usage, argv)


texts = st.text(
    st.sampled_from("aZ09-_.,:=/@+%~ '\"[]()|<>{}\u00e9AB"), min_size=1, max_size=6
).map(Literal)
parts = st.one_of(
    texts, st.sampled_from([*map(Hole, PARAMETERS.values()), Field("caller"), Literal("NUM")])
)


def form(drawn: list[Value]) -> tuple[Value, ...]:
    """Without neighbours that could not be told apart."""
    kept: list[Value] = []
    for part in drawn:
        if not kept or type(part) is Field or type(kept[-1]) is not type(part):
            kept.append(part)
    return tuple(kept)


forms = st.lists(parts, max_size=5).map(form)
words = st.builds(Word, forms, st.none(), st.booleans())
with_tails = st.builds(
    Word, st.lists(texts, min_size=1, max_size=1).map(tuple),
    st.builds(lambda hole: (hole,), st.sampled_from([*map(Hole, PARAMETERS.values())])),
    st.booleans(),
)  # fmt: skip
sequences = st.recursive(
    st.lists(st.one_of(words, with_tails), min_size=1, max_size=3),
    lambda inner: st.lists(
        st.one_of(
            words,
            st.builds(
                Group,
                st.lists(inner.map(tuple).map(Sequence), min_size=1, max_size=2).map(tuple),
                st.booleans(), st.booleans(),
            ),
        ),
        min_size=1, max_size=3,
    ),
    max_leaves=6,
).map(tuple).map(Sequence)  # fmt: skip


@settings(lightly, max_examples=150)
@given(sequences)
def test_e_printing_and_parsing_gives_the_same_tree(sequence: Sequence) -> None:
    text = Usage(sequence, PARAMETERS).text
    try:
        parsed = parse_usage(text, PARAMETERS)
    except UsageError as error:
        assume("same argument" not in error.sentence and "match nothing" not in error.sentence)
        raise
    assert parsed.sequence == sequence, text
    assert parsed.text == text


@lightly
@given(reference.usages, reference.usages, st.booleans(), st.lists(reference.vectors, max_size=20))
def test_f_adding_a_usage_never_refuses_what_was_allowed(
    items: list[Item], more: list[Item], before: bool, vectors: list[Vector]
) -> None:
    old, new = loaded(items).text, loaded(more).text
    both = (new, old) if before else (old, new)
    for vector in [*vectors, *sorted(reference.language(items, LENGTH))[:10]]:
        if allowed((old,), vector):
            assert allowed(both, vector)


def allowed(usages: tuple[str, ...], vector: Vector) -> bool:
    role = Role("r", PARAMETERS, {"c": Command("c", "/c", usages, role="r")})
    policy = Policy("e", "command", (role,), {})
    return isinstance(decide(policy, ["c", *vector], lambda _: True), Allowed)


def milliseconds(usage: str, argv: list[str]) -> float:
    parsed = parse_usage(usage, PARAMETERS)
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        assert isinstance(match(parsed, argv, {}), Mismatch)
        best = min(best, 1000 * (time.process_time() - start))
    return best


def test_g_time_stays_within_the_bound() -> None:
    usage = "[TEXT] " * 7 + "[TEXT...] " * 3 + "end"
    assert milliseconds(usage, ["x"] * 200 + ["END"]) < 100


def test_g_nested_repeats_stay_within_the_bound() -> None:
    usage = "(" * 7 + "TEXT..." + ")..." * 7 + " end"
    assert milliseconds(usage, ["x"] * 255 + ["END"]) < 1000


def test_g_options_that_swallow_options_stay_within_the_bound() -> None:
    usage = " ".join(f"[-o{number} [ANY]]" for number in range(24)) + " end"
    assert milliseconds(usage, [f"-o{number}" for number in range(24)] * 2 + ["END"]) < 3000
