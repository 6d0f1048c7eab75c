"""Endpoint files: defaults, every kind of problem in its exact words, and all of them at once."""

from __future__ import annotations

import tomllib
from ipaddress import ip_network

import pytest

from remit.policy.endpoint import Endpoint, SessionRules, parse_endpoint
from remit.policy.sandbox import Property

FILE = "/etc/remit/endpoints/web.toml"
LEAST = '[roles]\n"@web" = ["reader"]\n'


def good(text: str) -> Endpoint:
    endpoint, problems = parse_endpoint("web", FILE, tomllib.loads(text))
    assert not problems
    assert endpoint is not None
    return endpoint


def bad(text: str) -> list[str]:
    endpoint, problems = parse_endpoint("web", FILE, tomllib.loads(text))
    assert endpoint is None
    return [str(problem).removeprefix(f"{FILE}: ") for problem in problems]


def test_defaults_are_those_of_the_design() -> None:
    endpoint = good(LEAST)
    assert endpoint.session == SessionRules(
        run_as="virtual",
        groups=(),
        language="command",
        idle_timeout=2 * 3600,
        max_idle_timeout=12 * 3600,
        max_lifetime=7 * 86400,
        grace=10,
        buffer=8 * 2**20,
        when_full="block",
        sessions_per_user=25,
        dbus=False,
        transcript="commands",
    )
    access = endpoint.access
    assert (access.allow, access.deny, access.networks) == (None, (), ())
    assert (access.require, access.pam_service, access.remember) == ("pam", "remit", 900)
    assert access.enabled
    assert endpoint.sandbox == ()


@pytest.mark.parametrize(
    "run_as, local", [("caller", "trusted"), ("virtual", "ask"), ("www-data", "ask")]
)
def test_local_is_trusted_only_for_callers_themselves(run_as: str, local: str) -> None:
    assert good(f'{LEAST}[session]\nrun_as = "{run_as}"').access.local == local


def test_local_as_written() -> None:
    assert good(f'{LEAST}[access]\nlocal = "no"\n[session]\nrun_as = "caller"').access.local == "no"


def test_whole_file() -> None:
    endpoint = good(
        """
        description = "Web"
        [access]
        allow = ["@web", "cjones"]
        deny = ["@interns"]
        from = ["10.0.0.0/8"]
        remember = "0"
        pam_service = "remit-otp"
        [roles]
        "*" = ["reader"]
        "@web" = ["operator", "reader"]
        [fragments]
        paging = "[-n LINES]"
        [params]
        UNIT = { unit = ["nginx.service"] }
        [params.reader]
        LINES = { integer = [1, 10] }
        [session]
        groups = ["adm"]
        idle_timeout = "30m"
        [sandbox]
        TasksMax = 64
        """
    )
    assert endpoint.access.networks == (ip_network("10.0.0.0/8"),)
    assert endpoint.access.remember == 0
    assert endpoint.role_names() == ("reader", "operator")
    assert endpoint.params == {"UNIT": {"unit": ["nginx.service"]}}
    assert endpoint.role_params == {"reader": {"LINES": {"integer": [1, 10]}}}
    assert endpoint.sandbox == (Property("TasksMax", "t", 64),)
    assert list(endpoint.principals()) == [
        ("access.allow", "@web"),
        ("access.allow", "cjones"),
        ("access.deny", "@interns"),
        ("roles", "*"),
        ("roles", "@web"),
        ("session.groups", "@adm"),
    ]


WRONG = [
    (
        f"descripton = 'x'\n{LEAST}",
        "descripton: found an unknown key, expected a key of this file (did you mean description?)",
    ),
    (
        f"{LEAST}[acess]\nallow = []",
        "acess: found an unknown key, expected a key of this file (did you mean access?)",
    ),
    (
        f"{LEAST}[session]\nidle_timout = 60",
        "session.idle_timout: found an unknown key, expected a key of [session] "
        "(did you mean idle_timeout?)",
    ),
    (f"{LEAST}access = 1", "roles.access: found 1, expected a list of names of roles, 256 at most"),
    (f"session = 1\n{LEAST}", "session: found 1, expected a table [session]"),
    ("", "roles: found nothing, expected a table [roles] that gives somebody a role"),
    (
        '[roles]\n"*" = ["reader"]',
        'access.allow: found nothing, expected a list, as [roles] names nobody but "*" '
        '(allow = ["*"] admits every user of the host)',
    ),
    (
        '[roles]\n"@" = ["reader"]',
        'roles."@": found "@", expected a user "name" or a group "@name"',
    ),
    (
        "[roles]\n1000 = ['reader']",
        'roles.1000: found "1000", expected a user "name" or a group "@name" '
        "(a number is not a name)",
    ),
    (
        f"{LEAST}[access]\nallow = 'cjones'",
        'access.allow: found "cjones", expected a list of users and @groups, 256 at most',
    ),
    (
        f"{LEAST}[access]\ndeny = ['*']",
        'access.deny: found "*", expected a user "name" or a group "@name"',
    ),
    (
        f"{LEAST}[access]\nrequire = 'both'",
        'access.require: found "both", expected "pam" (not supported in this version)',
    ),
    (f"{LEAST}[access]\nrequire = 'pma'", 'access.require: found "pma", expected "pam"'),
    (
        f"{LEAST}[access]\nmembers_of = 'a and b'",
        'access.members_of: found "a and b", expected no such setting '
        "(not supported in this version; name the groups in allow and deny)",
    ),
    (
        f"{LEAST}[access]\nuntil = {{ cjones = 2026-12-01T18:00:00+01:00 }}",
        "access.until: found a table, expected no such setting "
        "(not supported in this version; remove the user from allow when the time has come)",
    ),
    (
        f"{LEAST}[access]\nenabled = 'yes'",
        'access.enabled: found "yes", expected true or false',
    ),
    (
        f"{LEAST}[session]\nlanguage = 'shell'",
        'session.language: found "shell", expected "command" (not supported in this version)',
    ),
    (
        f"{LEAST}[session]\ntranscript = 'full'",
        'session.transcript: found "full", expected "commands" (not supported in this version)',
    ),
    (
        f"{LEAST}[session]\nrun_as = 'two words:'",
        'session.run_as: found "two words:", expected the name of an account',
    ),
    (
        f"{LEAST}[session]\nrun_as = 0",
        "session.run_as: found 0, expected the name of an account (a number is not a name)",
    ),
    (
        f"{LEAST}[session]\nidle_timeout = '30s'",
        'session.idle_timeout: found "30s", expected a time from 1m to 366d',
    ),
    (
        f"{LEAST}[session]\nidle_timeout = '13h'",
        "session.idle_timeout: found 13h, expected at most max_idle_timeout, 12h",
    ),
    (
        f"{LEAST}[session]\nrun_as = 'caller'\ngroups = ['adm']",
        'session.groups: found ["adm"], expected run_as = "virtual" '
        "(other accounts have the groups that the host gives them)",
    ),
    (
        f"{LEAST}[sandbox]\nPrivateTmp = false",
        'sandbox.PrivateTmp: found false, expected true (run_as = "virtual" implies it)',
    ),
    (
        f"{LEAST}[sandbox]\nProtectSystem = 'full'",
        'sandbox.ProtectSystem: found "full", expected "strict" (run_as = "virtual" implies it)',
    ),
    (
        f"{LEAST}[units]\n'nginx.service' = ['restart']",
        "units: found a table, expected no such setting "
        "(not supported in this version; give the role a command for what is needed)",
    ),
    (
        f"{LEAST}[files]\nown = false",
        "files: found a table, expected no such setting "
        "(not supported in this version; nothing can be copied or edited)",
    ),
    (
        f"{LEAST}[params]\nunit = 'x'",
        "params.unit: found \"unit\", expected a parameter's name: A-Z first, then A-Z, 0-9 and _, "
        "two characters or more",
    ),
    (
        f"{LEAST}[params]\nUNIT = 'x'",
        'params.UNIT: found "x", expected a table such as { integer = [1, 100] }',
    ),
]


@pytest.mark.parametrize("text, message", WRONG)
def test_wrong(text: str, message: str) -> None:
    assert bad(text) == [message]


def test_another_account_may_keep_its_tmp() -> None:
    endpoint = good(f"{LEAST}[session]\nrun_as = 'www-data'\n[sandbox]\nPrivateTmp = false")
    assert endpoint.sandbox == (Property("PrivateTmp", "b", False),)


def test_all_problems_are_found_at_once() -> None:
    problems = bad(
        """
        descripton = "x"
        [access]
        requre = "pam"
        local = "maybe"
        [session]
        language = "bash"
        [sandbox]
        KillMode = "none"
        """
    )
    assert [problem.partition(": ")[0] for problem in problems] == [
        "descripton",
        "session.language",
        "access.requre",
        "access.local",
        "sandbox.KillMode",
        "roles",
    ]


def test_what_is_found_cannot_play_tricks_on_a_terminal() -> None:
    (problem,) = bad(f'{LEAST}[session]\nlanguage = "\\u001b[31m\\u202e"')
    assert '"\\u001b[31m\\u202e"' in problem
