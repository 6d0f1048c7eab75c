"""Role files: from a parsed TOML table to an immutable RoleFile, with every problem found.

Owns the meaning of the keys that schema.py lists for roles and their commands. Does not parse
usages, which need the parameters and fragments of other files too: that is joining.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from remit.policy import value
from remit.policy.errors import PolicyError
from remit.policy.field import fill_table
from remit.policy.parameter import parse_parameter
from remit.policy.problem import Problem, Report, show
from remit.policy.schema import (
    COMMAND,
    ROLE,
    ROLE_TABLES,
    SAMPLE,
    join,
    read_file,
    read_keys,
    read_value,
)

Tables = Mapping[str, Mapping[str, object]]
"""Parameters as written: each one's table by its name."""

BUILT_IN = ("help", "commands", "exit", "jobs", "cd", "pwd", "set")
"""Words that a session understands by itself, so that no command can have them for a name."""

_COMMAND_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,63}")


@dataclass(frozen=True, slots=True)
class CommandRules:
    """One command as its file has it; `place` is its key there, `settings` the optional keys."""

    name: str
    place: str
    program: str
    usages: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RoleFile:
    """One role file that has no problem of its own."""

    name: str
    file: str
    description: str
    include: tuple[str, ...]
    fragments: Mapping[str, str]
    params: Tables
    commands: tuple[CommandRules, ...]

    def programs(self) -> Iterator[tuple[str, str]]:
        """The programs that the file names, each with the key that names it."""
        for command in self.commands:
            yield f"{command.place}.exec", command.program
            for helper in command.settings["helpers"]:
                if helper != "any" and not helper.endswith("/"):
                    yield f"{command.place}.helpers", helper


def parse_role(
    name: str, file: str, table: Mapping[str, object]
) -> tuple[RoleFile | None, list[Problem]]:
    """The role that the table of a file describes; None if anything in it is wrong."""
    report = Report(file)
    top, tables = read_file(table, ROLE, ROLE_TABLES, {}, report)
    commands = _read_commands(tables["commands"], "commands", report)
    functions = _read_commands(tables["functions"], "functions", report)
    for twice in sorted({each.name for each in commands} & {each.name for each in functions}):
        report.add(join("functions", twice), "a command's name", "a name of its own")
    role = RoleFile(
        name=name,
        file=file,
        description=top["description"],
        include=top["include"],
        fragments=read_fragments(tables["fragments"], report),
        params=read_parameters(tables["params"], "params", report),
        commands=(*commands, *functions),
    )
    return (None if report.problems else role), report.problems


def read_fragments(table: Mapping[str, object], report: Report) -> dict[str, str]:
    """[fragments]: pieces of usages by name. Whether each parses is seen where it is used."""
    fragments = {}
    for name, found in table.items():
        place = join("fragments", name)
        if not value.FRAGMENT_NAME.fullmatch(name):
            report.add(place, show(name), "a fragment's name: a-z first, then a-z, 0-9 and -")
        fragments[name] = read_value(value.argument, found, place, report, "")
    return fragments


def read_parameters(table: Mapping[str, object], where: str, report: Report) -> Tables:
    """[params]: the tables of parameters by name, after each has been parsed once."""
    parameters: dict[str, Mapping[str, object]] = {}
    for name, found in table.items():
        place = join(where, name)
        if not value.PARAMETER_NAME.fullmatch(name):
            expected = "a parameter's name: A-Z first, then A-Z, 0-9 and _, two characters or more"
            report.add(place, show(name), expected)
        elif not isinstance(found, dict):
            report.add(place, show(found), "a table such as { integer = [1, 100] }")
        else:
            parameters[name] = found
            _check_parameter(name, found, place, report)
    return parameters


def _check_parameter(name: str, table: Mapping[str, object], place: str, report: Report) -> None:
    try:
        parse_parameter(name, fill_table(table, SAMPLE))
    except PolicyError as error:
        report.refuse(place, error)


def _read_commands(table: Mapping[str, object], section: str, report: Report) -> list[CommandRules]:
    commands = []
    for name, found in table.items():
        place = join(section, name)
        if not _COMMAND_NAME.fullmatch(name):
            report.add(place, show(name), "a command's name: letters, digits and . _ + @ -")
        elif name in BUILT_IN:
            report.add(place, f'the name "{name}"', "another name", "a session has it built in")
        elif isinstance(found, str):
            commands.append(_read_short(name, found, place, report))
        elif isinstance(found, dict):
            commands.append(_read_long(name, found, place, report))
        else:
            report.add(place, show(found), 'a table, or "PROGRAM USAGE" in one string')
    return commands


def _read_short(name: str, found: str, place: str, report: Report) -> CommandRules:
    """The short form: a program, and after the first space one usage."""
    program, _, usage = found.partition(" ")
    return _read_long(name, {"exec": program, "usage": [usage.strip(" ")]}, place, report)


def _read_long(name: str, table: Mapping[str, object], place: str, report: Report) -> CommandRules:
    values = read_keys(table, COMMAND, place, report)
    usages = values.pop("usage")
    if usages == ():
        hint = 'for a command without arguments write usage = [""]'
        report.add(f"{place}.usage", "[]", "at least one usage", hint)
    return CommandRules(name, place, values.pop("exec") or "", usages or (), values)
