"""remit.endpoint(5) and the schema say the same: every key and setting; its example loads."""

from __future__ import annotations

import re

import pytest

from remit.policy.catalogue import DIRECTORIES, Host, make_catalogue
from remit.policy.role import BUILT_IN
from remit.policy.sandbox import SETTINGS
from remit.policy.schema import (
    ACCESS,
    COMMAND,
    ENDPOINT,
    ENDPOINT_LATER,
    ENDPOINT_TABLES,
    ROLE,
    ROLE_TABLES,
    SESSION,
    Key,
)
from tests.tree import ROOT

PAGE = (ROOT / "man" / "remit.endpoint.5").read_text().replace("\\-", "-").replace("\\(dq", '"')
KEYS = {"ENDPOINT FILES": (*ENDPOINT, *ACCESS, *SESSION), "ROLE FILES": (*ROLE, *COMMAND)}


def section(title: str) -> str:
    found = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH )", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def described(title: str) -> set[str]:
    """The words of the tagged paragraphs' tags."""
    tags = re.findall(r"^\.T[PQ]\n\.B (.+)$", section(title), re.MULTILINE)
    return {word for tag in tags for word in tag.split()}


@pytest.mark.parametrize("title, keys", KEYS.items())
def test_every_key_is_described_or_said_to_be_missing(title: str, keys: tuple[Key, ...]) -> None:
    there = {key.name for key in keys if key.later is None}
    missing = {key.name for key in keys if key.later is not None}
    assert there <= described(title)
    assert not missing & described(title)
    assert missing <= set(re.findall(r"\w+", section("NOT IN THIS VERSION")))


def test_every_setting_is_described_and_nothing_that_does_not_exist() -> None:
    keys = {key.name for key in KEYS["ENDPOINT FILES"] if key.later is None}
    assert described("ENDPOINT FILES") == keys | SETTINGS.keys()


def test_every_table_has_its_place() -> None:
    for title, tables in (("ENDPOINT FILES", ENDPOINT_TABLES), ("ROLE FILES", ROLE_TABLES)):
        assert set(re.findall(r"^\.SS \[(.+)\]$", section(title), re.MULTILINE)) == set(tables)
    for name in ENDPOINT_LATER:
        assert f"[{name}]" in section("NOT IN THIS VERSION")


def test_built_in_words_are_listed() -> None:
    assert set(BUILT_IN) <= set(re.findall(r"\w+", section("ROLE FILES")))


def test_the_example_loads() -> None:
    files: dict[str, dict[str, bytes]] = {directory: {} for directory in DIRECTORIES}
    text = section("EXAMPLE").removeprefix(".nf\n").removesuffix(".fi\n")
    for path, content in re.findall(r"^# (/\S+)\n(.*?)(?=^# /|\Z)", text, re.MULTILINE | re.DOTALL):
        directory, _, name = path.rpartition("/")
        files[directory][name] = content.encode()
    catalogue = make_catalogue(files, Host(lambda _: True, lambda _: True, lambda _: None))
    assert [str(problem) for problem in catalogue.problems] == []
    assert catalogue.states == {"web-admin": "loaded"}
