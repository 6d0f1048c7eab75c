"""Endpoints and roles together: overriding, including, clashing, and a caller's policy."""

from __future__ import annotations

import tomllib

import pytest

from remit.policy.access import Caller, NotAdmitted
from remit.policy.command import Policy
from remit.policy.effective import effective_policy
from remit.policy.endpoint import parse_endpoint
from remit.policy.joining import Loaded, check_role, join_roles
from remit.policy.role import RoleFile, parse_role

ANNA = Caller("anna", 1000, "/home/anna", frozenset({"web"}))
SESSION = "0123456789abcdef" * 2
ALL = '[roles]\n"@web" = ["operator", "reader"]\n'
ONE = '[roles]\n"@web" = ["operator"]\n'
OPERATOR = """
    [commands.systemctl]
    exec = "/usr/bin/systemctl"
    usage = ["restart UNIT", "status <full> UNIT"]
    insert = ["--no-pager"]
    [fragments]
    full = "[-l | --full]"
    [params]
    UNIT = {}
    LINES = { integer = [1, 10] }
    """
READER = '[commands]\ndf = "/usr/bin/df [-h]"\nsystemctl = "/usr/bin/systemctl list-units"'
UNIT = '[params]\nUNIT = { unit = ["nginx.service"] }\n'


def role(name: str, text: str) -> RoleFile:
    parsed, problems = parse_role(name, f"{name}.toml", tomllib.loads(text))
    assert parsed is not None, problems
    return parsed


def roles(**texts: str) -> dict[str, RoleFile]:
    return {name: role(name, text) for name, text in texts.items()}


def join(text: str, **texts: str) -> tuple[Loaded | None, list[str]]:
    endpoint, wrong = parse_endpoint("web", "web.toml", tomllib.loads(text))
    assert endpoint is not None, wrong
    loaded, problems = join_roles(endpoint, roles(**texts))
    return loaded, [str(problem) for problem in problems]


def joined(text: str, **texts: str) -> Loaded:
    loaded, problems = join(text, **texts)
    assert loaded is not None, problems
    return loaded


def policy(loaded: Loaded, caller: Caller = ANNA) -> Policy:
    answer = effective_policy(loaded, caller, None, SESSION)
    assert isinstance(answer, Policy)
    answer.compile()
    return answer


def test_policy_holds_the_callers_roles_in_order() -> None:
    made = policy(joined(ALL + UNIT, operator=OPERATOR, reader=READER))
    assert [each.name for each in made.roles] == ["operator", "reader"]
    assert (made.endpoint, made.language) == ("web", "command")
    assert made.fields == {
        "caller": "anna",
        "uid": "1000",
        "home": "/home/anna",
        "endpoint": "web",
        "session": SESSION,
    }
    systemctl = made.roles[0].commands["systemctl"]
    assert systemctl.usages == ("restart UNIT", "status [-l | --full] UNIT")
    assert (systemctl.insert, systemctl.role) == (("--no-pager",), "operator")
    assert Policy.from_json(made.to_json()) == made


def test_only_what_the_commands_use_is_sent() -> None:
    made = policy(joined(ONE + UNIT, operator=OPERATOR))
    assert made.roles[0].parameters.keys() == {"UNIT"}


def test_not_admitted_has_no_policy() -> None:
    loaded = joined(ONE + UNIT, operator=OPERATOR)
    stranger = Caller("bert", 1001, "/home/bert", frozenset())
    assert effective_policy(loaded, stranger, None, SESSION) == NotAdmitted("not named in [roles]")


def test_open_parameter_must_be_set() -> None:
    assert join(ONE, operator=OPERATOR) == (
        None,
        [
            "web.toml: params.UNIT: found nothing, expected a kind of parameter "
            "(role operator needs UNIT)"
        ],
    )


def test_open_parameter_that_no_command_uses_may_stay_open() -> None:
    text = '[commands]\ndf = "/usr/bin/df"\n[params]\nUNIT = {}'
    assert joined(ONE, operator=text).offers.keys() == {"operator"}


def test_parameters_of_one_role_override_those_of_all() -> None:
    text = f"{ONE}{UNIT}[params.operator]\nUNIT = {{ unit = ['ssh.service'] }}"
    loaded = joined(text, operator=OPERATOR)
    assert loaded.offers["operator"].params["UNIT"] == {"unit": ["ssh.service"]}


def test_roles_do_not_share_parameters() -> None:
    reader = '[commands]\nx = "/usr/bin/x UNIT"\n[params]\nUNIT = { values = ["a"] }'
    text = f"{ALL}[params.operator]\nUNIT = {{ unit = ['ssh.service'] }}"
    loaded = joined(text, operator=OPERATOR, reader=reader)
    assert loaded.offers["reader"].params["UNIT"] == {"values": ["a"]}


def test_fields_are_filled_at_opening() -> None:
    text = '[commands]\nx = "/usr/bin/x WHO"\n[params]\nWHO = { values = ["{caller}", "x"] }'
    loaded = joined(ONE, operator=text)
    assert policy(loaded).roles[0].parameters["WHO"].table == {"values": ["anna", "x"]}


def test_fragments_can_be_overridden() -> None:
    loaded = joined(f"{ONE}{UNIT}[fragments]\nfull = '[-l]'", operator=OPERATOR)
    assert loaded.offers["operator"].commands["systemctl"].usages[1] == "status [-l] UNIT"


COMMON = '[fragments]\nfull = "[-l | --full]"\n[params]\nUNIT = { unit = ["*"] }\n'
INCLUDING = 'include = ["common"]\n[commands]\nsystemctl = "/usr/bin/systemctl status <full> UNIT"'


def test_include_takes_parameters_and_fragments() -> None:
    loaded = joined(ONE, operator=INCLUDING, common=COMMON)
    assert loaded.offers["operator"].commands["systemctl"].usages == (
        "status [-l | --full] UNIT",
    )


def test_include_takes_no_commands() -> None:
    common = f'{COMMON}[commands]\nreboot = "/usr/sbin/reboot"'
    loaded = joined(ONE, operator=INCLUDING, common=common)
    assert loaded.offers["operator"].commands.keys() == {"systemctl"}
    assert loaded.offers.keys() == {"operator"}


@pytest.mark.parametrize(
    "texts, message",
    [
        (
            {"operator": INCLUDING, "commons": COMMON},
            'operator.toml: include: found unknown role "common", expected a role that can be '
            "loaded (did you mean commons?)",
        ),
        (
            {"operator": INCLUDING, "common": 'include = ["base"]', "base": COMMON},
            'operator.toml: include: found role "common", which includes others itself, expected '
            "a role without include (name all roles here)",
        ),
        (
            {"operator": INCLUDING.replace("common", "operator")},
            'operator.toml: include: found role "operator", which includes others itself, expected '
            "a role without include (name all roles here)",
        ),
    ],
)
def test_include_refuses(texts: dict[str, str], message: str) -> None:
    files = roles(**texts)
    assert [str(each) for each in check_role(files["operator"], files)] == [message]


def test_usage_that_does_not_parse_names_its_place() -> None:
    files = roles(operator='[commands.x]\nexec = "/usr/bin/x"\nusage = ["", "[-l"]')
    (problem,) = check_role(files["operator"], files)
    assert problem.key.startswith("commands.x.usage[1], column ")


def test_unknown_role() -> None:
    loaded, problems = join('[roles]\nanna = ["operater"]', operator=OPERATOR)
    assert loaded is None
    assert problems == [
        'web.toml: roles: found unknown role "operater", expected a role that can be loaded '
        "(did you mean operator?)"
    ]


def test_setting_what_no_role_has() -> None:
    text = f"{ONE}{UNIT}UNTI = {{ any = true }}\n[fragments]\nful = ''\n[params.reader]\nX1 = {{}}"
    assert join(text, operator=OPERATOR)[1] == [
        'web.toml: params.UNTI: found "UNTI", expected a parameter of one of the roles '
        "(did you mean UNIT?)",
        'web.toml: fragments.ful: found "ful", expected a fragment of one of the roles '
        "(did you mean full?)",
        'web.toml: params.reader: found "reader", expected a role in [roles] (known: operator)',
    ]


def test_one_name_with_two_programs_is_not_loaded() -> None:
    reader = '[commands]\nsystemctl = "/usr/local/bin/systemctl"'
    loaded, problems = join(ALL + UNIT, operator=OPERATOR, reader=reader)
    assert loaded is None
    assert problems == [
        "web.toml: roles: found systemctl as /usr/bin/systemctl in operator, "
        "/usr/local/bin/systemctl in reader, expected one program for each command name"
    ]


def test_one_name_with_one_program_and_other_keys_is_joined() -> None:
    loaded = joined(ALL + UNIT, operator=OPERATOR, reader=READER)
    commands = [offer.commands["systemctl"] for offer in loaded.offers.values()]
    assert [command.insert for command in commands] == [("--no-pager",), ()]
