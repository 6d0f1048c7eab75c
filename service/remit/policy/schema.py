"""The keys of endpoint and role files: one table each for parsing, checking, messages and manual.

Owns which keys exist, what they take, their defaults, and which of them this version refuses.
A key that is not in a table is a problem; so is one that this version does not implement and
whose silent absence would weaken what the file promises or change what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remit.policy import value
from remit.policy.problem import Report, show, suggest
from remit.policy.value import Reader, Unfit

DAY = 86400


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table: how its value is read, what holds where it is absent.

    `later` makes it a key that this version refuses, unless it says what holds anyway, and tells
    what that is.
    """

    name: str
    read: Reader = value.text
    default: object = None
    required: bool = False
    later: str | None = None


ENDPOINT: tuple[Key, ...] = (Key("description", default=""),)

ACCESS: tuple[Key, ...] = (
    Key("allow", value.list_of(value.principal_or_all, "users and @groups")),
    Key("deny", value.list_of(value.principal, "users and @groups"), ()),
    Key("members_of", later="name the groups in allow and deny"),
    Key("require", value.choice("pam", later=("certificate", "both")), "pam"),
    Key("pam_service", value.pam_service, "remit"),
    Key("local", value.choice("trusted", "ask", "no")),
    Key("from", value.list_of(value.network, "networks"), ()),
    Key("remember", value.duration(0, 7 * DAY), 15 * 60),
    Key("until", later="remove the user from allow when the time has come"),
    Key("enabled", value.flag, True),
)

SESSION: tuple[Key, ...] = (
    Key("run_as", value.account, "virtual"),
    Key("groups", value.list_of(value.account, "groups", 32), ()),
    Key("language", value.choice("command", later=("pipeline", "shell")), "command"),
    Key("startup", later="a function that is to run first"),
    Key("idle_timeout", value.duration(60, 366 * DAY), 2 * 3600),
    Key("max_idle_timeout", value.duration(60, 366 * DAY), 12 * 3600),
    Key("max_lifetime", value.duration(60, 366 * DAY), 7 * DAY),
    Key("inactive_timeout", later="idle_timeout ends detached sessions"),
    Key("grace", value.duration(0, 300), 10),
    Key("buffer", value.size(64 * 1024), 8 * 2**20),
    Key("when_full", value.choice("block", "drop"), "block"),
    Key("sessions_per_user", value.integer(1, 10_000), 25),
    Key("dbus", value.flag, False),
    Key("transcript", value.choice("commands", later=("full",)), "commands"),
    Key("shared", default=False, later="every session belongs to its caller alone"),
    Key("enforce", later="there is no switch for what the kernel enforces"),
)

SAMPLE = {
    "caller": "caller",
    "uid": "1000",
    "home": "/home/caller",
    "endpoint": "endpoint",
    "session": "0" * 32,
}
"""What {caller} and the other fields stand for while a file is checked."""

ROLE: tuple[Key, ...] = (
    Key("description", default=""),
    Key("include", value.list_of(value.name, "names of roles", 32), ()),
)

COMMAND: tuple[Key, ...] = (
    Key("exec", value.program, required=True),
    Key("summary", default=""),
    Key("usage", value.list_of(value.argument, "usages", 64), required=True),
    Key("insert", value.list_of(value.argument, "arguments"), ()),
    Key("append", value.list_of(value.argument, "arguments"), ()),
    Key("environment", value.environment, {}),
    Key("accept", value.list_of(value.accepted_variable, "names of variables"), ()),
    Key("directory", value.absolute_path, ""),
    Key("timeout", value.duration(1), 0),
    Key("stdin", value.flag, False),
    Key("tty", default=False, later="commands get pipes"),
    Key("helpers", value.helpers, ()),
    Key("read", value.list_of(value.absolute_path, "absolute paths"), ()),
    Key("write", value.list_of(value.absolute_path, "absolute paths"), ()),
    Key("capabilities", default=[], later="every command runs without capabilities"),
    Key("record", value.choice("command", "full"), ""),
)

ENDPOINT_TABLES = ("access", "roles", "fragments", "params", "session", "sandbox")
ROLE_TABLES = ("fragments", "params", "commands", "functions")

ENDPOINT_LATER: Mapping[str, str] = {
    "units": "give the role a command for what is needed",
    "files": "nothing can be copied or edited",
}


def read_file(
    table: Mapping[str, object],
    keys: tuple[Key, ...],
    tables: tuple[str, ...],
    later: Mapping[str, str],
    report: Report,
) -> tuple[dict[str, Any], dict[str, dict[str, object]]]:
    """A whole file: the values of its own `keys`, and its `tables`, empty where absent."""
    own = {}
    known = {key.name: key for key in keys} | dict.fromkeys((*tables, *later))
    for name, found in table.items():
        if name in later:
            report.later(name, found, later[name])
        elif name not in tables:
            own[name] = found
    for name in own.keys() - known.keys():
        add_unknown(name, known, "", report)
        del own[name]
    values = read_keys(own, keys, "", report)
    return values, {name: read_table(table.get(name, {}), name, report) for name in tables}


def read_table(found: object, place: str, report: Report) -> dict[str, object]:
    """A table of the file; an empty one, and a problem, if it is something else."""
    if isinstance(found, dict):
        return found
    report.add(place, show(found), f"a table [{place}]")
    return {}


def read_keys(
    table: Mapping[str, object], keys: tuple[Key, ...], where: str, report: Report
) -> dict[str, Any]:
    """The values of the keys of this version, with defaults; what is wrong goes to the report."""
    known = {key.name: key for key in keys}
    for name in table.keys() - known.keys():
        add_unknown(name, known, where, report)
    for key in keys:
        if key.later is not None and table.get(key.name, key.default) != key.default:
            report.later(join(where, key.name), table[key.name], key.later)
    return {
        key.name: _read_key(table, key, join(where, key.name), report)
        for key in keys
        if key.later is None
    }


def _read_key(table: Mapping[str, object], key: Key, place: str, report: Report) -> object:
    if key.name in table:
        return read_value(key.read, table[key.name], place, report, key.default)
    if key.required:
        report.add(place, "nothing", f"the key {key.name}")
    return key.default


def read_value(
    read: Reader, found: object, place: str, report: Report, default: object = None
) -> Any:
    """What the reader makes of the value; the default, and a problem, if it does not take it."""
    try:
        return read(found)
    except Unfit as unfit:
        shown = show(found if unfit.found is None else unfit.found)
        report.add(place, shown, unfit.expected, unfit.hint)
        return default


def add_unknown(name: str, known: Mapping[str, object], where: str, report: Report) -> None:
    """Note a key that no table has, with the nearest one that some has."""
    place = f"[{where}]" if where else "this file"
    report.add(join(where, name), "an unknown key", f"a key of {place}", suggest(name, known))


def join(where: str, name: str) -> str:
    """The dotted place of a key, its name quoted where TOML would need it."""
    bare = name.replace("-", "").replace("_", "")
    shown = name if bare.isascii() and bare.isalnum() else show(name)
    return f"{where}.{shown}" if where else shown
