"""The tables of keys under fire: whatever a file holds, it is read or refused, never raised."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.catalogue import DIRECTORIES, Host, make_catalogue
from remit.policy.endpoint import parse_endpoint
from remit.policy.role import parse_role
from remit.policy.sandbox import LATER, REFUSED, SETTINGS
from remit.policy.schema import (
    ACCESS,
    COMMAND,
    ENDPOINT_LATER,
    ENDPOINT_TABLES,
    ROLE_TABLES,
    SESSION,
    join,
)

TEXT = st.text("aZ0-_@./{}[]|*% \"'\n\x1b\u202e\ud800", max_size=8) | st.sampled_from(
    ["", "@", "*", "@adm", "root", "5m", "-1", "9" * 5000, "8M", "{home}", "/usr/bin/x [", "\ud800"]
)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SCALAR = st.sampled_from([True, False, 0, 1, -1, 99, 2**70, 1.5, float("nan"), NOON]) | TEXT
LISTS = st.lists(SCALAR, max_size=3)
VALUES = SCALAR | LISTS | st.dictionaries(TEXT, SCALAR | LISTS, max_size=3)


def tables(*names: str) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(names) | TEXT, VALUES, max_size=6)


KEYS = {
    "access": tables(*(key.name for key in ACCESS)),
    "session": tables(*(key.name for key in SESSION)),
    "sandbox": tables(*SETTINGS, *REFUSED, *LATER),
    "params": st.dictionaries(
        TEXT | st.just("NAME"),
        VALUES | tables("values", "integer", "pattern", "unit", "user", "path", "flags", "list"),
    ),
    "commands": st.dictionaries(TEXT | st.just("x"), tables(*(key.name for key in COMMAND))),
}
ENDPOINTS = st.fixed_dictionaries(
    {}, optional={name: KEYS.get(name, VALUES) | VALUES for name in ENDPOINT_TABLES}
)
ROLES = st.fixed_dictionaries(
    {}, optional={name: KEYS.get(name, VALUES) | VALUES for name in ("include", *ROLE_TABLES)}
)


@given(ENDPOINTS)
def test_any_endpoint(table: dict[str, object]) -> None:
    endpoint, problems = parse_endpoint("x", "x.toml", table)
    assert (endpoint is None) == bool(problems)
    assert all(str(problem).isprintable() for problem in problems)


@given(ROLES)
def test_any_role(table: dict[str, object]) -> None:
    role, problems = parse_role("x", "x.toml", table)
    assert (role is None) == bool(problems)
    assert all(str(problem).isprintable() for problem in problems)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_any_bytes(endpoint: bytes, role: bytes) -> None:
    files: dict[str, dict[str, bytes]] = {directory: {} for directory in DIRECTORIES}
    files["/etc/remit/endpoints"] = {"web.toml": endpoint}
    files["/etc/remit/roles"] = {"reader.toml": role}
    catalogue = make_catalogue(files, Host(lambda _: True, lambda _: True, lambda _: None))
    assert catalogue.states == {"web": "disabled"}


def test_no_key_is_in_two_lists() -> None:
    assert not set(ENDPOINT_TABLES) & ENDPOINT_LATER.keys()
    for keys in (ACCESS, SESSION, COMMAND):
        names = [key.name for key in keys]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["idle_timeout", "web-1", "we b", 'we"b', "ü", ""])
def test_places_are_dotted_keys_of_toml(name: str) -> None:
    assert tomllib.loads(f"{join('session', name)} = 1") == {"session": {name: 1}}
