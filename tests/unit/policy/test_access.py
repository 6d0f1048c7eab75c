"""Who is admitted, with which roles, and why not: every permission with its denial beside it."""

from __future__ import annotations

import tomllib

import pytest

from remit.policy.access import Admitted, Caller, NotAdmitted, admit
from remit.policy.endpoint import Endpoint, parse_endpoint

ANNA = Caller("anna", 1000, "/home/anna", frozenset({"anna", "web"}))
BERT = Caller("bert", 1001, "/home/bert", frozenset({"bert", "interns", "web"}))
CARL = Caller("carl", 1002, "/home/carl", frozenset({"carl"}))
WEB = Caller("web", 1003, "/home/web", frozenset({"users"}))


def endpoint(text: str) -> Endpoint:
    parsed, problems = parse_endpoint("web", "web.toml", tomllib.loads(text))
    assert parsed is not None, problems
    return parsed


def roles(text: str, caller: Caller, address: str | None = "192.0.2.1") -> tuple[str, ...] | str:
    """The roles that the caller has, or why he has none."""
    answer = admit(endpoint(text), caller, address)
    return answer.roles if isinstance(answer, Admitted) else answer.reason


GROUP = '[roles]\n"@web" = ["operator"]\n'


def test_without_allow_everybody_named_in_roles() -> None:
    assert roles(GROUP, ANNA) == ("operator",)
    assert roles(GROUP, CARL) == "not named in [roles]"


def test_a_user_is_not_the_group_of_the_same_name() -> None:
    assert roles(GROUP, WEB) == "not named in [roles]"
    assert roles('[roles]\nweb = ["operator"]', WEB) == ("operator",)
    assert roles('[roles]\nweb = ["operator"]', ANNA) == "not named in [roles]"


def test_star_names_nobody() -> None:
    text = f'{GROUP}"*" = ["reader"]'
    assert roles(text, ANNA) == ("operator", "reader")
    assert roles(text, CARL) == "not named in [roles]"


def test_allow_everybody() -> None:
    text = '[access]\nallow = ["*"]\n[roles]\n"*" = ["reader"]'
    assert roles(text, CARL) == ("reader",)


def test_allow_narrows() -> None:
    text = f'[access]\nallow = ["anna"]\n{GROUP}'
    assert roles(text, ANNA) == ("operator",)
    assert roles(text, BERT) == "not named in access.allow"


def test_allowed_without_a_role() -> None:
    assert roles(f'[access]\nallow = ["carl"]\n{GROUP}', CARL) == "no role for this user in [roles]"


def test_deny_wins() -> None:
    text = f'[access]\nallow = ["bert", "anna"]\ndeny = ["@interns"]\n{GROUP}'
    assert roles(text, ANNA) == ("operator",)
    assert roles(text, BERT) == "denied by access.deny"


def test_allow_nobody() -> None:
    assert roles(f"[access]\nallow = []\n{GROUP}", ANNA) == "not named in access.allow"


def test_not_enabled() -> None:
    assert roles(f"[access]\nenabled = false\n{GROUP}", ANNA) == "the endpoint is not enabled"


def test_local() -> None:
    assert roles(GROUP, ANNA, None) == ("operator",)
    refused = "the endpoint is not for users on this host (access.local)"
    assert roles(f'[access]\nlocal = "no"\n{GROUP}', ANNA, None) == refused


@pytest.mark.parametrize(
    "address, admitted",
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::5", True),
        ("fe80::1%eth0", True),
        (None, True),
        ("11.0.0.1", False),
        ("::ffff:11.0.0.1", False),
        ("2001:db9::5", False),
        ("somewhere", False),
        ("", False),
    ],
)
def test_from(address: str | None, admitted: bool) -> None:
    text = f'[access]\nfrom = ["10.0.0.0/8", "2001:db8::/32", "fe80::/64"]\n{GROUP}'
    answer = admit(endpoint(text), ANNA, address)
    assert isinstance(answer, Admitted) == admitted
    if isinstance(answer, NotAdmitted):
        assert answer.reason == "the address is in no network of access.from"


@pytest.mark.parametrize(
    "user, home, usable",
    [
        ("anna", "/home/anna/", True),
        ("anna", "/", True),
        ("..", "/home/anna", False),
        ("a/b", "/home/anna", False),
        ("-anna", "/home/anna", False),
        ("1000", "/home/anna", False),
        ("anna", "", True),
        ("anna", "home", False),
        ("anna", "/home/../etc", False),
        ("anna", "{home}", False),
        ("anna", "/home/a\nb", False),
    ],
)
def test_names_and_homes_that_could_become_other_paths(user: str, home: str, usable: bool) -> None:
    caller = Caller(user, 1000, home, frozenset({"web"}))
    assert isinstance(admit(endpoint(GROUP), caller, None), Admitted) == usable


def test_roles_are_joined_in_the_order_of_the_file_each_once() -> None:
    text = """
        [roles]
        anna = ["log", "reader"]
        "@web" = ["operator", "log"]
        "@other" = ["secret"]
        "*" = ["reader", "base"]
        """
    assert roles(text, ANNA) == ("log", "reader", "operator", "base")
