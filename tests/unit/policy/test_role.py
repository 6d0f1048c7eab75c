"""Role files: both forms of a command, functions, and every problem in its exact words."""

from __future__ import annotations

import tomllib

import pytest

from remit.policy.role import RoleFile, parse_role

FILE = "/etc/remit/roles/reader.toml"


def good(text: str) -> RoleFile:
    role, problems = parse_role("reader", FILE, tomllib.loads(text))
    assert not problems
    assert role is not None
    return role


def bad(text: str) -> list[str]:
    role, problems = parse_role("reader", FILE, tomllib.loads(text))
    assert role is None
    return [str(problem).removeprefix(f"{FILE}: ") for problem in problems]


def test_short_form() -> None:
    role = good('[commands]\nuptime = "/usr/bin/uptime"\ndf = "/usr/bin/df  [-h] [-T]"')
    uptime, df = role.commands
    assert (uptime.name, uptime.program, uptime.usages) == ("uptime", "/usr/bin/uptime", ("",))
    assert (df.name, df.program, df.usages) == ("df", "/usr/bin/df", ("[-h] [-T]",))
    assert df.settings["stdin"] is False


LONG = """
include = ["common"]
[commands.systemctl]
exec = "/usr/bin/systemctl"
summary = "Units"
usage = ["status UNIT", ""]
insert = ["--no-pager"]
append = ["{caller}"]
environment = { SYSTEMD_COLORS = "0" }
accept = ["TZ"]
directory = "{home}"
timeout = "5m"
stdin = true
tty = false
helpers = ["/usr/bin/date"]
read = ["/var/log"]
write = ["/srv/{caller}"]
capabilities = []
record = "command"
[functions.rotate]
exec = "/usr/lib/remit/functions/rotate"
usage = ["[--now]"]
helpers = "any"
"""


def test_long_form() -> None:
    role = good(LONG)
    assert role.include == ("common",)
    systemctl, rotate = role.commands
    assert systemctl.settings == {
        "summary": "Units",
        "insert": ("--no-pager",),
        "append": ("{caller}",),
        "environment": {"SYSTEMD_COLORS": "0"},
        "accept": ("TZ",),
        "directory": "{home}",
        "timeout": 300,
        "stdin": True,
        "helpers": ("/usr/bin/date",),
        "read": ("/var/log",),
        "write": ("/srv/{caller}",),
        "record": "command",
    }
    assert rotate.place == "functions.rotate"
    assert list(role.programs()) == [
        ("commands.systemctl.exec", "/usr/bin/systemctl"),
        ("commands.systemctl.helpers", "/usr/bin/date"),
        ("functions.rotate.exec", "/usr/lib/remit/functions/rotate"),
    ]


X = '[commands.x]\nexec = "/usr/bin/x"\nusage = [""]\n'

WRONG = [
    (
        "[command]\nx = '/usr/bin/x'",
        "command: found an unknown key, expected a key of this file (did you mean commands?)",
    ),
    (
        f"{X}timout = 5",
        "commands.x.timout: found an unknown key, expected a key of [commands.x] "
        "(did you mean timeout?)",
    ),
    ("[commands]\nx = 'x'", 'commands.x.exec: found "x", expected an absolute path'),
    (
        "[commands]\nx = '/usr/bin/../x'",
        'commands.x.exec: found "/usr/bin/../x", expected an absolute path without empty parts, '
        ". and ..",
    ),
    (
        "[commands]\nx = ['/usr/bin/x']",
        'commands.x: found ["/usr/bin/x"], expected a table, or "PROGRAM USAGE" in one string',
    ),
    (
        "[commands.x]\nusage = ['']",
        "commands.x.exec: found nothing, expected the key exec",
    ),
    (
        "[commands.x]\nexec = '/usr/bin/x'",
        "commands.x.usage: found nothing, expected the key usage",
    ),
    (
        "[commands.x]\nexec = '/usr/bin/x'\nusage = []",
        "commands.x.usage: found [], expected at least one usage "
        '(for a command without arguments write usage = [""])',
    ),
    (
        "[commands.x]\nexec = '/usr/bin/x'\nusage = '[-h]'",
        'commands.x.usage: found "[-h]", expected a list of usages, 64 at most',
    ),
    (
        f"{X}tty = true",
        "commands.x.tty: found true, expected no such setting "
        "(not supported in this version; commands get pipes)",
    ),
    (
        f"{X}capabilities = ['CAP_CHOWN']",
        'commands.x.capabilities: found ["CAP_CHOWN"], expected no such setting '
        "(not supported in this version; every command runs without capabilities)",
    ),
    (
        f"{X}accept = ['LD_PRELOAD']",
        'commands.x.accept: found "LD_PRELOAD", expected a variable that cannot change what is run',
    ),
    (
        f"{X}environment = {{ REMIT_USER = 'root' }}",
        'commands.x.environment: found "REMIT_USER", expected names of environment variables, '
        "none beginning with REMIT_",
    ),
    (f"{X}stdin = 1", "commands.x.stdin: found 1, expected true or false"),
    (
        "[commands]\nset = '/usr/bin/x'",
        'commands.set: found the name "set", expected another name (a session has it built in)',
    ),
    (
        "[commands]\n'x y' = '/usr/bin/x'",
        'commands."x y": found "x y", expected a command\'s name: letters, digits and . _ + @ -',
    ),
    (
        f"{X}[functions]\nx = '/usr/bin/y'",
        "functions.x: found a command's name, expected a name of its own",
    ),
    (
        "[fragments]\nUP = '[-h]'",
        "fragments.UP: found \"UP\", expected a fragment's name: a-z first, then a-z, 0-9 and -",
    ),
    (
        "include = 'common'",
        'include: found "common", expected a list of names of roles, 32 at most',
    ),
]


@pytest.mark.parametrize("text, message", WRONG)
def test_wrong(text: str, message: str) -> None:
    assert bad(text) == [message]
