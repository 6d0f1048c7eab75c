"""Globs, paths as text, unit names and nearness."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.policy.glob import matches_glob
from remit.policy.nearness import distance, nearest_names
from remit.policy.path import components, is_beneath, is_excluded
from remit.policy.unit import full_name


def naively(glob: str, value: str) -> bool:
    if not glob:
        return not value
    if glob[0] == "*":
        return any(naively(glob[1:], value[at:]) for at in range(len(value) + 1))
    return bool(value) and glob[0] in ("?", value[0]) and naively(glob[1:], value[1:])


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text("ab*?[", max_size=6), st.text("ab*[\n", max_size=6))
def test_glob(glob: str, value: str) -> None:
    assert matches_glob(glob, value) == naively(glob, value)


def test_glob_is_not_exponential() -> None:
    assert not matches_glob("*a" * 50 + "b", "a" * 4096)


def test_beneath_is_by_whole_names() -> None:
    assert is_beneath("/var/log/x", "/var/log")
    assert is_beneath("//var/./log", "/var/log/")
    assert is_beneath("/x", "/")
    assert not is_beneath("/var/log-evil", "/var/log")
    assert not is_beneath("/var", "/var/log")
    assert components("/a//./b/") == ("a", "b")


def test_excluded_with_everything_beneath() -> None:
    globs = ("/etc/ssl/private", "*.key")
    for path in ("/etc/ssl/private", "/etc/ssl/private/x/y", "/etc//ssl/./private/x", "a.key/b"):
        assert is_excluded(path, globs)
    for path in ("/etc/ssl", "/etc/ssl/private2", "key", "etc/ssl/private"):
        assert not is_excluded(path, globs)
    assert not is_excluded("/etc", ())


@pytest.mark.parametrize(
    "value, name",
    [
        ("nginx", "nginx.service"), ("nginx.service", "nginx.service"), ("a.b", "a.b.service"),
        ("a.timer", "a.timer"), ("x@1:2", "x@1:2.service"), ("x@.service", "x@.service"),
        ("", ""), (".service", ""), ("@x", ""), ("@.service", ""), ("a b", ""), ("a/b", ""),
        ("a\\x2d", ""), ("a*", ""), ("\u00e9", ""), ("a\n", ""),
        ("a" * 247, "a" * 247 + ".service"),
        ("a" * 248, ""),
    ],
)  # fmt: skip
def test_unit_names(value: str, name: str) -> None:
    assert full_name(value) == name


def test_nearness() -> None:
    assert distance("abc", "abc") == 0
    assert distance("abc", "acb") == 1
    assert distance("abc", "abd") == 1
    assert distance("", "abc") == 3
    assert nearest_names("jurnalctl", ["systemctl", "journalctl"]) == ("journalctl",)
    assert nearest_names("", ["a"]) == ()
    assert nearest_names("x", ["abc"]) == ()
