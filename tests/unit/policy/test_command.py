"""Commands, roles and policies: strict JSON there and back, and compiling."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from remit.policy.command import Command, Policy, Role
from remit.policy.decide import Allowed, decide
from remit.policy.errors import PolicyError
from remit.policy.parameter import parse_parameter

COMMAND = Command(
    "journalctl",
    "/usr/bin/journalctl",
    ("(-u UNIT) [-n LINES]", ""),
    insert=("--no-pager",),
    append=("x",),
    environment={"A": "b"},
    accept=("LANG",),
    directory="/",
    timeout=1.5,
    stdin=True,
    tty=True,
    helpers=("/usr/bin/less",),
    read=("/var/log",),
    write=("/tmp",),
    capabilities=("CAP_CHOWN",),
    record="command",
    summary="Read the journal",
    role="reader",
)
PARAMETERS = {
    "UNIT": parse_parameter("UNIT", {"unit": ["*.service"], "except": ["sshd.service"]}),
    "LINES": parse_parameter("LINES", {"integer": [1, 10]}),
}
PLAIN = Command("true", "/bin/true", ("",), helpers="any", role="reader")
ROLE = Role("reader", PARAMETERS, {"journalctl": COMMAND, "true": PLAIN})
POLICY = Policy("web", "command", (ROLE, Role("empty", {}, {})), {"caller": "alice"})


def as_json() -> Any:
    return json.loads(json.dumps(POLICY.to_json()))


def test_policy_survives_json() -> None:
    again = Policy.from_json(as_json())
    assert again == POLICY
    assert again.roles[0].commands["true"].helpers == "any"
    assert isinstance(decide(again, ["journalctl", "-u", "nginx"], lambda _: True), Allowed)


def test_values_are_equal_by_their_parts() -> None:
    other = copy.copy(PLAIN)
    assert other == PLAIN
    other.stdin = True
    assert other != PLAIN
    assert PLAIN != "true"
    assert "name='true'" in repr(PLAIN)


@pytest.mark.parametrize(
    "path, value, key",
    [
        (["endpoint"], 5, "endpoint"),
        (["language"], "perl", "language"),
        (["roles"], {}, "roles"),
        (["fields"], {"caller": 5}, "fields"),
        (["extra"], 1, "extra"),
        (["roles", 0, "name"], None, "name"),
        (["roles", 0, "extra"], 1, "extra"),
        (["roles", 0, "parameters"], [], "parameters"),
        (["roles", 0, "parameters", "UNIT"], 5, "parameters"),
        (["roles", 0, "parameters", "UNIT", "unit"], [], "unit"),
        (["roles", 0, "commands", 0], [], ""),
        (["roles", 0, "commands", 0, "exec"], ["/bin/sh"], "exec"),
        (["roles", 0, "commands", 0, "usages"], "x", "usages"),
        (["roles", 0, "commands", 0, "usages"], [5], "usages"),
        (["roles", 0, "commands", 0, "stdin"], 1, "stdin"),
        (["roles", 0, "commands", 0, "timeout"], True, "timeout"),
        (["roles", 0, "commands", 0, "timeout"], -1, "timeout"),
        (["roles", 0, "commands", 0, "timeout"], float("nan"), "timeout"),
        (["roles", 0, "commands", 0, "helpers"], "some", "helpers"),
        (["roles", 0, "commands", 0, "environment"], [["A", "b"]], "environment"),
        (["roles", 0, "commands", 0, "role"], "root", "role"),
        (["roles", 0, "commands", 0, "name"], "true", "commands"),
    ],
)
def test_json_is_checked_strictly(path: list[Any], value: object, key: str) -> None:
    document = as_json()
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(PolicyError) as caught:
        Policy.from_json(document)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "path", [["fields"], ["roles", 0, "name"], ["roles", 0, "commands", 0, "tty"]]
)
def test_no_key_may_be_missing(path: list[Any]) -> None:
    document = as_json()
    place = document
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    with pytest.raises(PolicyError) as caught:
        Policy.from_json(document)
    assert (caught.value.key, caught.value.found) == (path[-1], "nothing")


def test_compile_finds_what_is_wrong_and_says_where() -> None:
    POLICY.compile()
    bad = Command("c", "/c", ("a", "b | c"))
    with pytest.raises(PolicyError) as caught:
        Policy("e", "command", (Role("r", {}, {"c": bad}),), {}).compile()
    assert caught.value.key == "commands.c.usage[1]"
    assert str(caught.value) == (
        "commands.c.usage[1], column 3: alternatives need brackets: (a | b), [a | b] or two usages"
    )


def test_compile_reads_the_patterns_that_from_json_left_alone() -> None:
    document = as_json()
    document["roles"][0]["parameters"]["LINES"] = {"pattern": "(a+)+"}
    policy = Policy.from_json(document)
    with pytest.raises(PolicyError, match="unbounded repeat"):
        policy.compile()
