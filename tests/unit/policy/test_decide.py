"""decide(): which role and usage admit a request, what exactly runs, what is said if none does."""

from __future__ import annotations

import pytest

from remit.policy.command import Command, Policy, Role
from remit.policy.decide import Allowed, Refused, decide
from remit.policy.obligation import Obligation
from remit.policy.parameter import parse_parameter

FIELDS = {"caller": "alice", "home": "/home/alice", "endpoint": "web"}


def yes(_: Obligation) -> bool:
    return True


def role(name: str, tables: dict[str, dict[str, object]], *commands: Command) -> Role:
    parameters = {key: parse_parameter(key, table) for key, table in tables.items()}
    named = {}
    for command in commands:
        command.role = name
        named[command.name] = command
    return Role(name, parameters, named)


def policy(*roles: Role) -> Policy:
    return Policy("web", "command", roles, FIELDS)


OPERATOR = role(
    "operator",
    {"UNIT": {"unit": ["nginx.service"]}},
    Command(
        "systemctl",
        "/usr/bin/systemctl",
        ("status [-l | --full] UNIT...", "restart UNIT"),
        insert=("--no-pager", "--user={caller}"),
        append=("--", "{other}"),
        environment={"WHO": "{caller}@{endpoint}", "PLAIN": "$HOME"},
        directory="{home}/x",
    ),
    Command("uptime", "/usr/bin/uptime", ("",)),
)
READER = role(
    "reader",
    {"UNIT": {"unit": ["sshd.service"]}},
    Command("systemctl", "/usr/bin/systemctl", ("status UNIT",)),
)


def test_what_runs_is_what_was_checked() -> None:
    allowed = decide(policy(OPERATOR), ["systemctl", "status", "-l", "nginx"], yes)
    assert isinstance(allowed, Allowed)
    program = "/usr/bin/systemctl"
    fixed = ("--no-pager", "--user=alice")
    assert allowed.argv == (program, *fixed, "status", "-l", "nginx", "--", "{other}")
    assert allowed.shown == allowed.argv
    assert allowed.request == ("systemctl", "status", "-l", "nginx")
    assert allowed.environment == {"WHO": "alice@web", "PLAIN": "$HOME"}
    assert allowed.directory == "/home/alice/x"
    assert allowed.command is OPERATOR.commands["systemctl"]
    assert (allowed.role, allowed.usage) == ("operator", "systemctl status [-l | --full] UNIT...")
    assert allowed.bindings == (("UNIT", "nginx"),)


@pytest.mark.parametrize("name", ["uptime", "/usr/bin/uptime"])
def test_a_command_is_named_by_its_name_or_exactly_its_program(name: str) -> None:
    allowed = decide(policy(OPERATOR), [name], yes)
    assert isinstance(allowed, Allowed)
    assert (allowed.argv, allowed.usage) == (("/usr/bin/uptime",), "uptime")


@pytest.mark.parametrize(
    "name",
    ["/bin/uptime", "/usr/bin//uptime", "/usr/bin/../bin/uptime", "./uptime", "UPTIME", "uptime ",
     "uptime\n", "upt", "", "/usr/bin/", "{caller}", "\udcff"],
)  # fmt: skip
def test_nothing_else_names_it(name: str) -> None:
    refused = decide(policy(OPERATOR), [name], yes)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.status, refused.position) == ("unknown-command", 127, 0)


def test_an_empty_request_names_nothing() -> None:
    refused = decide(policy(OPERATOR), [], yes)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.argv) == ("unknown-command", ("",))


def test_unknown_commands_get_the_nearest_names() -> None:
    for typed, nearest in [
        ("systemclt", ("systemctl",)), ("uptme", ("uptime",)), ("/bin/uptime", ("uptime",)),
        ("system", ("systemctl",)), ("reboot", ()), ("u", ()), ("x" * 5000, ()),
    ]:  # fmt: skip
        refused = decide(policy(OPERATOR, READER), [typed], yes)
        assert isinstance(refused, Refused)
        assert refused.nearest == nearest


def test_one_usage_of_one_role_admits_the_whole_vector() -> None:
    both = policy(OPERATOR, READER)
    for argv, admitted in [
        (["status", "nginx"], "operator"),
        (["status", "sshd"], "reader"),
        (["restart", "nginx"], "operator"),
    ]:
        allowed = decide(both, ["systemctl", *argv], yes)
        assert isinstance(allowed, Allowed)
        assert allowed.role == admitted
    for argv in (["restart", "sshd"], ["status", "nginx", "sshd"], ["status", "-l", "sshd"]):
        assert isinstance(decide(both, ["systemctl", *argv], yes), Refused)


def test_the_first_role_that_admits_counts() -> None:
    first = role("first", {}, Command("x", "/x", ("a",), insert=("1",)))
    second = role("second", {}, Command("x", "/x", ("a", "b"), insert=("2",)))
    for roles, expected in [((first, second), "1"), ((second, first), "2")]:
        allowed = decide(policy(*roles), ["x", "a"], yes)
        assert isinstance(allowed, Allowed)
        assert allowed.argv == ("/x", expected, "a")
    later = decide(policy(first, second), ["x", "b"], yes)
    assert isinstance(later, Allowed)
    assert later.role == "second"


def test_two_commands_with_one_program_are_both_asked_when_it_is_named() -> None:
    both = role("r", {}, Command("one", "/x", ("1",)), Command("two", "/x", ("2",)))
    allowed = decide(policy(both), ["/x", "2"], yes)
    assert isinstance(allowed, Allowed)
    assert allowed.command.name == "two"
    assert isinstance(decide(policy(both), ["one", "2"], yes), Refused)


FILES = role(
    "files",
    {
        "FILE": {"path": ["/var/log"]},
        "WHO": {"user": {}, "list": ","},
        "TEXT": {"text": True},
        "ALSO": {"path": ["/var/log"]},
    },
    Command("cat", "/bin/cat", ("(FILE | TEXT)", "ALSO")),
    Command("tell", "/bin/tell", ("WHO TEXT",)),
)


def test_a_denied_obligation_goes_to_the_next_usage_never_to_another_derivation() -> None:
    asked: list[tuple[str, str]] = []

    def only_also(obligation: Obligation) -> bool:
        asked.append((obligation.parameter, obligation.value))
        return obligation.parameter == "ALSO"

    allowed = decide(policy(FILES), ["cat", "/var/log/x"], only_also)
    assert isinstance(allowed, Allowed)
    assert allowed.usage == "cat ALSO"  # and not TEXT, the second derivation of the first usage
    assert asked == [("FILE", "/var/log/x"), ("ALSO", "/var/log/x")]
    assert isinstance(decide(policy(FILES), ["cat", "/var/log/x"], lambda _: False), Refused)


def test_obligations_are_discharged_one_by_one() -> None:
    allowed = decide(policy(FILES), ["tell", "alice,bob", "hello"], yes)
    assert isinstance(allowed, Allowed)
    assert [(o.value, o.position) for o in allowed.obligations] == [("alice", 0), ("bob", 0)]
    refused = decide(policy(FILES), ["tell", "alice,bob", "hello"], lambda o: o.value != "bob")
    assert isinstance(refused, Refused)
    assert (refused.position, refused.code, refused.status) == (1, "refused", 126)


def test_the_nearest_usage_is_the_one_that_got_furthest() -> None:
    for argv, nearest, position in [
        (["status"], "systemctl status UNIT", 2),
        (["status", "-l"], "systemctl status [-l | --full] UNIT...", 3),
        (["restart", "mysql"], "systemctl restart UNIT", 2),
        (["restart", "nginx", "nginx"], "systemctl restart UNIT", 3),
        ([], "systemctl status UNIT", 1),
        (["stop"], "systemctl status UNIT", 1),
    ]:
        refused = decide(policy(READER, OPERATOR), ["systemctl", *argv], yes)
        assert isinstance(refused, Refused)
        assert (refused.nearest, refused.position) == ((nearest,), position)


MOVES = role(
    "moves",
    {"NUM": {"integer": [0, 9]}, "TEXT": {"text": True}, "PASS": {"text": True, "secret": True}},
    Command("c", "/c", ("show [-l] [-n NUM] [-f] NUM...", "set (-p PASS) TEXT")),
)


@pytest.mark.parametrize(
    "typed, suggested",
    [
        ("show 1 -l", "show -l 1"),
        ("show 1 -n 2 -l", "show -n 2 -l 1"),
        ("show 1 -n 2", "show -n 2 1"),
        ("-l show 1", "show -l 1"),
        ("-l -f show 1", "show -l -f 1"),
        ("-n 1 show 2 -f", "show -n 1 -f 2"),
        ("1 show", ""),
        ("show 1 -l -l", ""),
        ("show -l", ""),
        ("show -x 1", ""),
        ("show 1 2 x", ""),
        ("set x -p y", "set -p *** x"),
    ],
)
def test_a_permitted_order_of_the_same_arguments(typed: str, suggested: str) -> None:
    refused = decide(policy(MOVES), ["c", *typed.split()], yes)
    assert isinstance(refused, Refused)
    assert " ".join(refused.suggestion) == (f"c {suggested}" if suggested else "")
    if suggested and "*" not in suggested:
        assert isinstance(decide(policy(MOVES), refused.suggestion, yes), Allowed)
        assert sorted(refused.suggestion[1:]) == sorted(typed.split())


def test_no_order_is_suggested_that_the_host_would_deny() -> None:
    paths = role("p", {"FILE": {"path": ["/x"]}}, Command("c", "/c", ("[-l] FILE",)))
    permitted = decide(policy(paths), ["c", "/x/y", "-l"], yes)
    denied = decide(policy(paths), ["c", "/x/y", "-l"], lambda _: False)
    assert isinstance(permitted, Refused)
    assert isinstance(denied, Refused)
    assert (permitted.suggestion, denied.suggestion) == (("c", "-l", "/x/y"), ())


SECRETS = role(
    "secrets",
    {"PASS": {"text": True, "secret": True}, "TEXT": {"text": True}},
    Command("db", "/db", ("[--password=PASS] status", "login [-u TEXT] PASS", "note TEXT")),
)


@pytest.mark.parametrize(
    "typed, shown",
    [
        ("--password=hunter2 status", "--password=*** status"),
        ("login hunter2", "login ***"),
        ("login -u bob hunter2", "login -u bob ***"),
        ("note hunter2", "note hunter2"),
        # refused
        ("--password=hunter2 stat", "--password=*** stat"),
        ("--password=hunter2", "--password=***"),
        ("--password=hunter\n2 status", "--password=*** status"),
        ("login -x hunter2", "login -x ***"),
        ("login hunter2 again", "login *** ***"),
        ("lgoin hunter2", "*** ***"),
        ("login -u bob hunter\n2", "login -u bob ***"),
        ("note hunter2 more", "note hunter2 more"),
    ],
)
def test_secret_values_are_never_shown(typed: str, shown: str) -> None:
    decision = decide(policy(SECRETS), ["db", *typed.split(" ")], yes)
    request = decision.request if isinstance(decision, Allowed) else decision.argv
    assert " ".join(request) == f"db {shown}"
    if isinstance(decision, Allowed):
        assert decision.argv == ("/db", *typed.split(" "))
        assert decision.shown == ("/db", *shown.split(" "))


def test_values_of_a_denied_derivation_are_hidden_too() -> None:
    secret = {"FILE": {"path": ["/x"], "secret": True}}
    paths = role("p", secret, Command("c", "/c", ("FILE",)))
    refused = decide(policy(paths), ["c", "/x/y"], lambda _: False)
    assert isinstance(refused, Refused)
    assert refused.argv == ("c", "***")
