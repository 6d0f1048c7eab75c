"""The text of a refusal, to the letter."""

from __future__ import annotations

import pytest

from remit.policy.command import Command, Policy, Role
from remit.policy.decide import Refused, decide
from remit.policy.parameter import parse_parameter
from remit.policy.refusal import render

PARAMETERS = {"UNIT": parse_parameter("UNIT", {"unit": ["nginx.service"]})}
USAGES = ("status [-l | --full] UNIT...", "(restart | reload) UNIT", "list [--all]")
ROLE = Role("r", PARAMETERS, {"systemctl": Command("systemctl", "/usr/bin/systemctl", USAGES)})
POLICY = Policy("web-admin", "command", (ROLE,), {})


def refusal(*argv: str) -> str:
    decision = decide(POLICY, argv, lambda _: True)
    assert isinstance(decision, Refused)
    return render(decision)


def test_an_argument_out_of_place() -> None:
    assert refusal("systemctl", "status", "nginx", "-l") == (
        "remit: refused: systemctl status nginx -l\n"
        "                                       ^^ not expected here\n"
        "  allowed: systemctl status [-l | --full] UNIT...\n"
        "  try:     systemctl status -l nginx"
    )


def test_an_argument_that_is_not_permitted() -> None:
    assert refusal("systemctl", "restart", "mysql") == (
        "remit: refused: systemctl restart mysql\n"
        "                                  ^^^^^ not expected here\n"
        "  allowed: systemctl (restart | reload) UNIT"
    )


def test_a_missing_argument() -> None:
    assert refusal("systemctl", "reload") == (
        "remit: refused: systemctl reload\n"
        "                                 ^ missing: UNIT\n"
        "  allowed: systemctl (restart | reload) UNIT"
    )
    assert "^ missing: -l, --full or UNIT\n" in refusal("systemctl", "status")


def test_a_command_by_its_program() -> None:
    assert refusal("/usr/bin/systemctl", "list", "x").startswith(
        "remit: refused: /usr/bin/systemctl list x\n"
    )


def test_an_unknown_command() -> None:
    assert refusal("reboot", "now") == "remit: reboot is not in web-admin"
    assert refusal("systemclt") == "remit: systemclt is not in web-admin\n  nearest: systemctl"


@pytest.mark.parametrize(
    "argument, shown",
    [
        ("a b", "'a b'"),
        ("", "''"),
        ("it's", "'it'\\''s'"),
        ("\x1b[2J", "'\\x1b[2J'"),
        ("\x9b31m", "'\\x9b31m'"),
        ("a\nremit: allowed", "'a\\x0aremit: allowed'"),
        ("\u202egpj", "'\\u202egpj'"),
        ("\u2028", "'\\u2028'"),
        ("\u200bx", "'\\u200bx'"),
        ("\udc80", "'\\udc80'"),
        ("\U000e0041", "'\\U000e0041'"),
        ("\u00fc", "'\u00fc'"),
        ("$(reboot)", "'$(reboot)'"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(argument: str, shown: str) -> None:
    text = refusal("systemctl", "list", argument)
    assert text.split("\n")[0] == f"remit: refused: systemctl list {shown}"
    assert text.split("\n")[1] == " " * 31 + "^" * len(shown) + " not expected here"


def test_a_long_request_is_cut_around_the_argument() -> None:
    text = refusal("systemctl", "status", *["nginx"] * 120, "mysql", *["nginx"] * 120)
    first, second, *_ = text.split("\n")
    assert first.startswith("remit: refused: systemctl ... nginx")
    assert first.endswith("nginx ...")
    assert first[second.index("^") :].startswith("mysql nginx")
    assert max(map(len, text.split("\n"))) < 1000
    assert len(refusal("systemctl", "x" * 4096).split("\n")[0]) < 500
    assert len(refusal("x" * 4096)) < 500
