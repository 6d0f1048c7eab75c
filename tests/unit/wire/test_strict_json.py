"""Strict JSON beside the standard library's, which is the reference."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.wire.strict_json import dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(VALUES)
def test_it_writes_what_the_library_writes_and_reads_it_back(value: object) -> None:
    assert dumps(value) == json.dumps(value, separators=(",", ":"))
    assert loads(dumps(value)) == value
    assert loads(json.dumps(value, indent=1)) == value


@given(st.text(alphabet='{}[]",:\\u0d8 \n\t-+.eE1truefalsn\x00', max_size=30))
def test_it_refuses_what_the_library_refuses(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            loads(text)
        return
    try:
        found = loads(text)
    except ValueError as error:
        stricter = str(error)
    else:
        stricter = ""
        assert found == expected
    assert not stricter or "twice" in stricter or "whole number" in stricter


@pytest.mark.parametrize("value", [1.5, b"x", {1: 2}, {"a": {2, 3}}, object()])
def test_it_writes_nothing_that_it_would_not_read(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)
