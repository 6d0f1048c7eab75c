"""Who gets in: PAM decides, and whoever does not get in learns nothing."""

from __future__ import annotations

import time

import pytest

from tests.host.person import PASSWORD, REMIT, Person
from tests.host.terminal import Terminal
from tests.host.test_main_job import TARGET, remit_events

pytestmark = pytest.mark.allow_journal(
    r"remit-auth.*(authentication failure|pam_unix|user unknown|account|expired)",
    r"authentication of .* from .* failed",
    r"unix_chkpwd|pam_unix|pam_exec|pam_faillock",
)

# Stands for the program that asks a server for one-time codes.
CHECK_CODE = """#!/bin/sh
[ "$(tr -d '\\0')" = 123456 ]
"""
STACK = """\
auth required pam_exec.so expose_authtok quiet /usr/local/sbin/check-code
auth required pam_permit.so
account required pam_unix.so
"""
CODED = """\
[access]
allow = ["olga"]
pam_service = "remit-code"
[roles]
olga = ["host-reader"]
[params]
UNIT = { pattern = "[a-z]+" }
"""

DENIED = "permission denied: the user name, the password or the account was not accepted"


def attempt(person: Person) -> tuple[str, float]:
    """One refused connection: what the user reads, and how long it took."""
    start = time.monotonic()
    done = person.remit("run", person.target(TARGET), "uptime", status=255)
    assert done.stdout == ""
    return done.stderr, time.monotonic() - start


@pytest.fixture
def nobody(operator: Person) -> Person:
    """A name that the host does not know, with a password."""
    person = Person(operator.host, operator.client, "no-such-user")
    return person


def test_the_right_password_is_accepted_and_the_wrong_one_is_not(operator: Person) -> None:
    operator.remit("run", operator.target(TARGET), "uptime")
    operator.write_password("wrong")
    said, _ = attempt(operator)
    assert said == f"remit: {DENIED}\n"
    operator.write_password("correct horse battery")
    operator.remit("run", operator.target(TARGET), "uptime")


def test_every_refusal_looks_the_same_and_takes_the_same_time(
    operator: Person, nobody: Person
) -> None:
    host = operator.host
    host.add_user("locked", "correct horse battery", ["remit-host-status"])
    host.run(["usermod", "--lock", "locked"])
    host.add_user("expired", "correct horse battery", ["remit-host-status"])
    host.run(["chage", "--expiredate", "2020-01-01", "expired"])
    refused = {name: Person(host, operator.client, name) for name in ("locked", "expired")} | {
        "unknown": nobody,
        "wrong": operator,
    }
    operator.write_password("wrong")
    said, took = {}, {}
    for name, person in refused.items():
        runs = [attempt(person) for _ in range(2)]
        said[name] = {text for text, _ in runs}
        took[name] = min(seconds for _, seconds in runs)
    for name in ("locked", "expired"):
        host.remove_user(name)
    assert set(map(frozenset, said.values())) == {frozenset({f"remit: {DENIED}\n"})}
    assert max(took.values()) - min(took.values()) < 0.4, took
    events = remit_events(host)
    assert {event["REMIT_USER"] for event in events} == {*refused.keys() - {"unknown", "wrong"}} | {
        "no-such-user",
        "olga",
    }
    assert {event["REMIT_EVENT"] for event in events} == {"denied"}
    assert host.journal.wait_for("remit:account.*account expired has expired"), "PAM's own words"


def test_a_password_that_has_to_be_changed_is_changed_prompt_by_prompt(
    operator: Person,
) -> None:
    host, new = operator.host, "quite another battery staple"
    host.add_user("fresh", PASSWORD, ["remit-host-status"])
    host.run(["chage", "--lastday", "0", "fresh"])
    person = Person(host, operator.client, "fresh")
    said, _ = attempt(person)
    assert said.startswith("remit: "), "a file with one password answers one question"
    argv = [REMIT, "run", person.target(TARGET), "uptime"]
    environment = {"REMIT_USER": "fresh"}
    with Terminal() as terminal:
        with operator.client.start(argv, environment=environment, terminal=terminal.far) as client:
            for prompt, answer in (
                ("Password: ", PASSWORD),
                ("Current password: ", PASSWORD),
                ("New password: ", new),
                ("Retype new password: ", new),
            ):
                terminal.expect(prompt)
                terminal.type(answer)
            terminal.expect("load average")
            assert client.wait(20) == 0
        assert new not in terminal.seen, "a password is never echoed"
    attempt(person)
    person.write_password(new)
    person.remit("run", person.target(TARGET), "uptime")
    host.remove_user("fresh")


def test_an_endpoint_with_a_stack_of_its_own_asks_by_it(operator: Person) -> None:
    """One with a second module, as administrators add one-time codes: after the password that
    everybody shows, this endpoint's own questions, and both modules have to agree."""
    host = operator.host
    host.write_file("/usr/local/sbin/check-code", CHECK_CODE, 0o755)
    host.write_file("/etc/pam.d/remit-code", STACK)
    host.write_file("/etc/remit/endpoints/coded.toml", CODED)
    host.run(["remitctl", "reload"])
    for code, status in (("123456", 0), ("654321", 255)):
        with Terminal() as terminal:
            argv = [REMIT, "run", operator.target("coded"), "uptime"]
            environment = {"REMIT_USER": "olga"}
            with operator.client.start(
                argv, environment=environment, terminal=terminal.far
            ) as client:
                for answer in (PASSWORD, code):
                    terminal.expect("Password: ")
                    terminal.type(answer)
                terminal.expect("load average" if status == 0 else DENIED)
                assert client.wait(20) == status
    operator.remit("run", operator.target(TARGET), "uptime")
    host.run(["rm", "/etc/remit/endpoints/coded.toml", "/etc/pam.d/remit-code"])
    host.run(["remitctl", "reload"])


def test_nothing_is_kept_of_refused_connections(operator: Person) -> None:
    operator.write_password("wrong")
    attempt(operator)
    units = [unit.name for unit in operator.host.units("remit-auth@*", "remit-session-*")]
    assert len(units) <= 1, "one authenticator may wait for the next conversation"
    operator.write_password("correct horse battery")
