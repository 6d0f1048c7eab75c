"""The kinds of parameters: what each takes, and beside it what it does not."""

from __future__ import annotations

import json

import pytest

from remit.policy.errors import ParameterError
from remit.policy.field import fill_table
from remit.policy.obligation import PathObligation, UserObligation
from remit.policy.parameter import Parameter, parse_parameter, read_parameter

Table = dict[str, object]

UNIT: Table = {"unit": ["nginx.service", "php*-fpm.service", "user@*.service"]}
LOGS: Table = {"path": ["/var/log", "/srv/a b"]}

TAKEN: list[tuple[Table, list[str], list[str]]] = [
    ({"values": ["a", "-b", "c d"]}, ["a", "-b", "c d"], ["", "A", "b", "a ", "aa", "-a"]),
    ({"values": ["a", "b"], "list": ","}, ["a", "a,b", "b,b"], ["a,", ",a", "a,,b", "a, b", "c"]),
    ({"integer": [1, 100]}, ["1", "42", "100"],
     ["0", "101", "+1", "01", "-1", "1 ", " 1", "1\n", "1_0", "1.0", "\u0661", "\uff11", "0x1"]),
    ({"integer": [-5, 5]}, ["-5", "0", "5"], ["-0", "--1", "-6", "-", "-05", "\u22121"]),
    ({"integer": [0, 9], "list": ":"}, ["1:2"], ["1:10", "1,2", ":"]),
    ({"pattern": "[a-z]+|x{3}y"}, ["abc", "xxxy"], ["ABC", "abc\n", "\nabc", "a b", "abc1"]),
    ({"pattern": r"\d\w"}, ["1a", "1_"], ["\u0661a", "1\u00e9"]),
    ({"pattern": ".+"}, ["x" * 256], ["x" * 257]),
    ({"pattern": ".+", "max_length": 300}, ["x" * 300], ["x" * 301]),
    ({"pattern": "-?[0-9]"}, ["1"], ["-1"]),
    ({"pattern": "-?[0-9]", "dash": True}, ["1", "-1"], ["--1"]),
    (UNIT, ["nginx", "nginx.service", "php8.2-fpm", "php-fpm.service", "user@1000"],
     ["nginx.socket", "nginx.service.service", "ngin", "nginx*", "php*-fpm", "*", "sshd", "",
      "/etc/systemd/system/nginx.service", "./nginx.service", "nginx service", "nginx\n", "NGINX",
      "php\u00e9-fpm", "php$(x)-fpm", "php[a]-fpm", "@nginx.service", "php8/x-fpm", "-nginx"]),
    ({"unit": ["*.service"], "except": ["sshd.service"]}, ["nginx", "sshd.socket.service"],
     ["sshd", "sshd.service", "sshd.socket", ".service", "@a", "a" * 250]),
    ({"unit": ["*"], "except": ["ssh*"]}, ["nginx", "a.timer"], ["sshd", "ssh.socket", "sshd.x"]),
    ({"user": {}}, ["alice", "_x", "a.b-c", "alice@example.org", "pc$", "root"],
     ["0", "1000", "-alice", "a b", "a:b", "a,b", "a/b", "", "\u00e9", "$", "a$b", "alice\n"]),
    (LOGS, ["/var/log", "/var/log/x", "/var//log/./x", "/srv/a b/c", "x", "a/b", "./x"],
     ["/var/log-evil", "/var", "/", "/var/log/../x", "..", "../x", "a/..", "/etc/passwd", "", "-x",
      "/var/log/x\n", "/var/log/\x00"]),
    ({"path": ["/"], "except": ["/etc", "*.key"]}, ["/var/x", "/etcetera"],
     ["/etc", "/etc/x", "//etc/./x", "/var/a.key", "a.key"]),
    ({"flags": "tlnpu"}, ["-t", "-tlnpu", "-unt"], ["-", "t", "-tt", "-x", "--t", "-t ", ""]),
    ({"text": True}, ["a", "a b; $(c)", "\u00e9", "a-", "x" * 4096],
     ["", "-a", "-", "--", "a\nb", "\x00", "\x7f", "\x85", "\ud800", "x" * 4097]),
    ({"text": True, "dash": True}, ["-a", "--"], ["\n"]),
    ({"text": True, "max_length": 3}, ["abc"], ["abcd"]),
    ({"text": True, "list": ","}, ["a,b", "a"], ["a,,b", ",", "a,"]),
    ({"text": True, "empty": True}, ["", "a"], ["-"]),
    ({"text": True, "except": ["*secret*", "a?"]}, ["abc", "a"], ["my secret", "secret", "ab"]),
    ({"any": True}, ["-a", "--", "a"], ["", "\n", "\x1b"]),
    ({}, [], ["", "a", "-a"]),
    ({"empty": True}, [""], ["a"]),
]  # fmt: skip

VERDICTS = [
    pytest.param(table, value, verdict, id=f"{table} {value[:30]!r} {verdict}")
    for table, taken, not_taken in TAKEN
    for values, verdict in ((taken, True), (not_taken, False))
    for value in values
]


@pytest.mark.parametrize("table, value, verdict", VERDICTS)
def test_takes(table: Table, value: str, verdict: bool) -> None:
    assert parse_parameter("NAME", table).matches(value, True) is verdict


def test_only_a_whole_argument_must_not_begin_with_dash() -> None:
    when = parse_parameter("WHEN", {"pattern": "-[0-9]h"})
    assert when.matches("-5h", False)
    assert not when.matches("-5h", True)


def test_text_never_begins_with_dash_but_any_may() -> None:
    assert not parse_parameter("TEXT", {"text": True}).matches("-x", False)
    assert parse_parameter("TEXT", {"any": True}).matches("-x", False)


@pytest.mark.parametrize("table", [table for table, *_ in TAKEN], ids=str)
def test_table_is_the_source_and_survives_json(table: Table) -> None:
    parameter = parse_parameter("NAME", table)
    again = parse_parameter(parameter.name, json.loads(json.dumps(parameter.table)))
    assert again == parameter
    assert read_parameter("NAME", table) == parameter
    assert parameter != parse_parameter("OTHER", table)


def test_open_until_the_endpoint_sets_it() -> None:
    assert parse_parameter("UNIT", {}).is_open
    assert parse_parameter("UNIT", {"summary": "a unit"}).is_open
    assert not parse_parameter("UNIT", UNIT).is_open


def test_secret_and_summary() -> None:
    parameter = parse_parameter("NAME", {"text": True, "secret": True, "summary": "its name"})
    assert (parameter.secret, parameter.summary) == (True, "its name")
    plain = parse_parameter("NAME", {"text": True})
    assert (plain.secret, plain.summary) == (False, "")


def test_path_leaves_the_file_system_to_the_host() -> None:
    table: Table = {**LOGS, "is": "file", "write": True, "except": ["*.key"], "list": ":"}
    parameter = parse_parameter("FILE", table)
    roots = ("/var/log", "/srv/a b")
    assert parameter.obligations("/var/log/x:y", 2) == (
        PathObligation("FILE", "/var/log/x", roots, "file", True, ("*.key",), 2),
        PathObligation("FILE", "y", roots, "file", True, ("*.key",), 2),
    )
    assert parse_parameter("FILE", LOGS).obligation("y") == PathObligation(
        "FILE", "y", roots, "any", False, ()
    )


def test_user_leaves_the_accounts_to_the_host() -> None:
    rules = {"groups": ["staff"], "not_groups": ["wheel"], "names": ["www-data"], "min_uid": 500}
    assert parse_parameter("WHO", {"user": rules}).obligation("alice") == UserObligation(
        "WHO", "alice", ("staff",), ("wheel",), ("www-data",), 500
    )
    assert parse_parameter("WHO", {"user": {}}).obligation("a") == UserObligation(
        "WHO", "a", (), (), (), 1000
    )


def test_other_kinds_ask_nothing_and_the_empty_value_neither() -> None:
    assert parse_parameter("UNIT", UNIT).obligation("nginx") is None
    assert parse_parameter("UNIT", UNIT).obligations("nginx") == ()
    assert parse_parameter("FILE", {**LOGS, "empty": True}).obligations("") == ()


def test_fields_are_filled_in_before_parsing() -> None:
    fields = {"caller": "alice", "home": "/home/alice"}
    table = fill_table({"path": ["{home}/in", "/srv/{caller}"], "is": "file"}, fields)
    assert table == {"path": ["/home/alice/in", "/srv/alice"], "is": "file"}
    assert parse_parameter("FILE", table).matches("/srv/alice/x", True)
    values = fill_table({"values": ["{caller}", "{other}", 3]}, fields)
    assert values == {"values": ["alice", "{other}", 3]}


REFUSED: list[tuple[object, str, str, str]] = [
    # table, key, found, expected
    ([], "", "an array", "a table"),
    ({"integers": [1, 2]}, "integers", "unknown key", "integer"),
    ({"integer": [1, 2], "text": True}, "text", "second kind", "one kind"),
    ({"integer": [2, 1]}, "integer", "[2, 1]", "min not above max"),
    ({"integer": [1]}, "integer", "array", "[min, max]"),
    ({"integer": [True, 2]}, "integer", "true", "[min, max]"),
    ({"integer": ["1", 2]}, "integer", "'1'", "[min, max]"),
    ({"integer": 5}, "integer", "5", "[min, max]"),
    ({"integer": [0, 2**70]}, "integer", "1180591620717411303424", "[min, max]"),
    ({"values": []}, "values", "array", "one at least"),
    ({"values": [""]}, "values", "''", "not empty"),
    ({"values": [3]}, "values", "3", "strings"),
    ({"values": ["a\n"]}, "values", "'a\\n'", "control"),
    ({"values": "a"}, "values", "'a'", "array"),
    ({"pattern": ""}, "pattern", "''", "regular expression"),
    ({"pattern": "("}, "pattern", "no regular expression", "expression"),
    ({"pattern": "(a+)+"}, "pattern", "unbounded repeat within", "nested"),
    ({"pattern": "((ab*c)?d)*"}, "pattern", "unbounded repeat within", "nested"),
    ({"pattern": r"(a)\1"}, "pattern", "back-reference", "back-reference"),
    ({"pattern": "(?P<x>a)(?P=x)"}, "pattern", "back-reference", "back-reference"),
    ({"pattern": "(?=a)a"}, "pattern", "look-around", "look-around"),
    ({"pattern": "(?<!a)a"}, "pattern", "look-around", "look-around"),
    ({"pattern": "(?i)a"}, "pattern", "flag", "flags"),
    ({"pattern": "(?i:a)"}, "pattern", "flag", "flags"),
    ({"pattern": "(?>a)"}, "pattern", "atomic", "expression"),
    ({"pattern": "a++"}, "pattern", "possessive", "expression"),
    ({"pattern": "a{5000}"}, "pattern", "too many", "expression"),
    ({"pattern": "(((a{99}){99}){99}){99}"}, "pattern", "too many", "expression"),
    ({"pattern": "(((){1999}){1999}){1999}"}, "pattern", "too many", "expression"),
    ({"pattern": "a{99999999999999999999}"}, "pattern", "too many", "expression"),
    ({"pattern": "a" * 1001}, "pattern", "1001 characters", "expression"),
    ({"unit": ["nginx"]}, "unit", "'nginx'", "nginx.service"),
    ({"unit": []}, "unit", "array", "one at least"),
    ({"user": {"group": ["x"]}}, "user.group", "unknown key", "groups"),
    ({"user": {"min_uid": -1}}, "user.min_uid", "-1", "integer"),
    ({"user": True}, "user", "true", "table"),
    ({"path": ["var/log"]}, "path", "'var/log'", "absolute"),
    ({"path": ["/var/../etc"]}, "path", "'/var/../etc'", "without .."),
    ({"path": ["/x"], "is": "fifo"}, "is", "'fifo'", "file or directory"),
    ({"path": ["/x"], "write": "yes"}, "write", "'yes'", "true or false"),
    ({"text": True, "write": True}, "write", "true", "kind path"),
    ({"flags": ""}, "flags", "''", "letters"),
    ({"flags": "aa"}, "flags", "'aa'", "each once"),
    ({"flags": "a-"}, "flags", "'a-'", "letters"),
    ({"text": False}, "text", "false", "true"),
    ({"any": 1}, "any", "1", "true or false"),
    ({"text": True, "list": ""}, "list", "''", "one character"),
    ({"text": True, "list": ", "}, "list", "', '", "one character"),
    ({"text": True, "list": "x"}, "list", "'x'", "no letter"),
    ({"text": True, "max_length": 0}, "max_length", "0", "from 1 to 4096"),
    ({"text": True, "secret": "yes"}, "secret", "'yes'", "true or false"),
    ({"text": True, "except": "x"}, "except", "'x'", "array"),
    ({"text": True, "summary": 5}, "summary", "5", "string"),
]


@pytest.mark.parametrize("table, key, found, expected", REFUSED, ids=lambda v: str(v)[:40])
def test_tables_that_are_not_loaded(table: Table, key: str, found: str, expected: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_parameter("NAME", table)
    assert caught.value.key == key
    assert found in caught.value.found
    assert expected in caught.value.expected
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    "name", ["", "A", "unit", "Unit", "UNIT ", "9A", "_AB", "UNIT-A", "\u00c9A"]
)
def test_names_that_are_not_names(name: str) -> None:
    with pytest.raises(ParameterError):
        parse_parameter(name, {"text": True})


@pytest.mark.parametrize("name", ["AB", "A_", "A1", "UNIT_NAME_2"])
def test_names(name: str) -> None:
    assert isinstance(parse_parameter(name, {}), Parameter)
