"""Joins an endpoint with its roles: what each of them offers there, whoever the caller is.

Owns `include`, the order in which parameters and fragments override each other, and the rule that
one command name stands for one program. Does not know callers: effective.py does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from remit.policy.command import ANY_HELPERS, Command
from remit.policy.endpoint import Endpoint
from remit.policy.errors import PolicyError
from remit.policy.field import fill_table
from remit.policy.parameter import Parameter, parse_parameter
from remit.policy.problem import Problem, Report, suggest
from remit.policy.role import CommandRules, RoleFile, Tables
from remit.policy.schema import SAMPLE, join
from remit.policy.usage import Usage, parse_usage

Roles = Mapping[str, RoleFile]


@dataclass(frozen=True, slots=True)
class Offer:
    """What one role offers at one endpoint: everything but the caller's fields is settled."""

    name: str
    params: Tables
    commands: Mapping[str, Command]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An endpoint in force, with the offers of its roles."""

    endpoint: Endpoint
    offers: Mapping[str, Offer]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the usages of one role are read with."""

    tables: Tables
    parameters: Mapping[str, Parameter]
    fragments: Mapping[str, str]


def check_role(role: RoleFile, roles: Roles) -> list[Problem]:
    """What is wrong with a role that only shows beside the roles that it includes."""
    report = Report(role.file)
    for name in role.include:
        if name not in roles:
            hint = suggest(name, roles)
            report.add("include", f'unknown role "{name}"', "a role that can be loaded", hint)
        elif roles[name].include:
            found = f'role "{name}", which includes others itself'
            report.add("include", found, "a role without include", "name all roles here")
    if not report.problems:
        _offer(role, _scope(role, roles), report)
    return report.problems


def join_roles(endpoint: Endpoint, roles: Roles) -> tuple[Loaded | None, list[Problem]]:
    """The endpoint with the offers of its roles, which check_role has passed; None if it is wrong.

    Every role that any caller may get is joined, so that what is loaded is sound for all of them.
    """
    report = Report(endpoint.file)
    known = [roles[name] for name in _known_roles(endpoint, roles, report)]
    offers = {}
    needs: dict[str, list[str]] = {}
    for role in known:
        scope = _scope(role, roles, endpoint)
        offers[role.name] = offer = _offer(role, scope, report, role.name)
        for name in _open_parameters(offer, scope):
            needs.setdefault(name, []).append(role.name)
    for name, names in needs.items():
        hint = f"role {', '.join(names)} needs {name}"
        report.add(f"params.{name}", "nothing", "a kind of parameter", hint)
    _check_overrides(endpoint, roles, known, report)
    _check_clashes(offers.values(), report)
    return (None if report.problems else Loaded(endpoint, offers)), report.problems


def _known_roles(endpoint: Endpoint, roles: Roles, report: Report) -> Iterator[str]:
    for name in endpoint.role_names():
        if name in roles:
            yield name
        else:
            found = f'unknown role "{name}"'
            report.add("roles", found, "a role that can be loaded", suggest(name, roles))


def _scope(role: RoleFile, roles: Roles, endpoint: Endpoint | None = None) -> _Scope:
    """Later ones override: included roles in order, the role, the endpoint, [params.ROLE]."""
    tables: dict[str, Mapping[str, object]] = {}
    fragments: dict[str, str] = {}
    for each in (*_included(role, roles), role):
        tables |= each.params
        fragments |= each.fragments
    if endpoint is not None:
        own = endpoint.role_params.get(role.name, {})
        tables |= {name: table for name, table in endpoint.params.items() if name in tables}
        tables |= {name: table for name, table in own.items() if name in tables}
        fragments |= {name: text for name, text in endpoint.fragments.items() if name in fragments}
    parameters = {
        name: parse_parameter(name, fill_table(table, SAMPLE)) for name, table in tables.items()
    }
    return _Scope(tables, parameters, fragments)


def _included(role: RoleFile, roles: Roles) -> list[RoleFile]:
    """The included roles; one that was deleted later is missed where something of it is used."""
    return [roles[name] for name in role.include if name in roles]


def _offer(role: RoleFile, scope: _Scope, report: Report, seen_from: str = "") -> Offer:
    """The role's commands with their usages parsed, and the parameters that these use."""
    commands = {}
    used: dict[str, None] = {}
    for rules in role.commands:
        usages = _parse_usages(rules, scope, report, seen_from)
        used.update((name, None) for usage in usages for name in usage.names)
        commands[rules.name] = _command(rules, usages, role.name)
    return Offer(role.name, {name: scope.tables[name] for name in used}, commands)


def _parse_usages(
    rules: CommandRules, scope: _Scope, report: Report, seen_from: str
) -> list[Usage]:
    usages = []
    for number, text in enumerate(rules.usages):
        place = f"{rules.place}.usage[{number}]" if len(rules.usages) > 1 else rules.place
        if seen_from:
            place = f"role {seen_from}: {place}"
        try:
            usages.append(parse_usage(text, scope.parameters, scope.fragments))
        except PolicyError as error:
            report.refuse(place, error)
    return usages


def _command(rules: CommandRules, usages: Iterable[Usage], role: str) -> Command:
    settings = dict(rules.settings)
    if settings["helpers"] == (ANY_HELPERS,):
        settings["helpers"] = ANY_HELPERS
    texts = tuple(usage.text for usage in usages)
    return Command(rules.name, rules.program, texts, role=role, **settings)


def _open_parameters(offer: Offer, scope: _Scope) -> Iterator[str]:
    return (name for name in offer.params if scope.parameters[name].is_open)


def _check_overrides(
    endpoint: Endpoint, roles: Roles, used: Iterable[RoleFile], report: Report
) -> None:
    """What the endpoint sets must be something that a role of its has."""
    offered: dict[str, set[str]] = {}
    fragments: set[str] = set()
    for role in used:
        files = [role, *_included(role, roles)]
        offered[role.name] = {name for each in files for name in each.params}
        fragments.update(name for each in files for name in each.fragments)
    everywhere = set().union(*offered.values())
    _expect(endpoint.params, everywhere, "params", "a parameter of one of the roles", report)
    _expect(endpoint.fragments, fragments, "fragments", "a fragment of one of the roles", report)
    _expect(endpoint.role_params, offered, "params", "a role in [roles]", report)
    for name in endpoint.role_params.keys() & offered.keys():
        where = join("params", name)
        expected = f"a parameter of role {name}"
        _expect(endpoint.role_params[name], offered[name], where, expected, report)


def _expect(
    names: Iterable[str], known: Iterable[str], where: str, expected: str, report: Report
) -> None:
    known = set(known)
    for name in names:
        if name not in known:
            report.add(join(where, name), f'"{name}"', expected, suggest(name, known))


def _check_clashes(offers: Iterable[Offer], report: Report) -> None:
    first: dict[str, Command] = {}
    for offer in offers:
        for name, command in offer.commands.items():
            other = first.setdefault(name, command)
            if other.exec != command.exec:
                found = f"{name} as {other.exec} in {other.role}, {command.exec} in {command.role}"
                report.add("roles", found, "one program for each command name")
