"""Endpoint files: from a parsed TOML table to an immutable Endpoint, with every problem found.

Owns the meaning of the keys that schema.py lists for endpoints and the rules between them.
Does not know whether roles, users, groups and programs exist: that is the catalogue's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from remit.policy import value
from remit.policy.problem import Problem, Report, show
from remit.policy.role import Tables, read_fragments, read_parameters
from remit.policy.sandbox import IMPLIED_BY_DYNAMIC_USER, Property, read_sandbox
from remit.policy.schema import (
    ACCESS,
    ENDPOINT,
    ENDPOINT_LATER,
    ENDPOINT_TABLES,
    SESSION,
    join,
    read_file,
    read_keys,
    read_value,
)
from remit.policy.value import Network

CALLER = "caller"
VIRTUAL = "virtual"
EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the endpoint, and how they show who they are."""

    allow: tuple[str, ...] | None
    deny: tuple[str, ...]
    require: str
    pam_service: str
    local: str
    networks: tuple[Network, ...]
    remember: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What a session of the endpoint is: identity, language, limits. Times in seconds."""

    run_as: str
    groups: tuple[str, ...]
    language: str
    idle_timeout: int
    max_idle_timeout: int
    max_lifetime: int
    grace: int
    buffer: int
    when_full: str
    sessions_per_user: int
    dbus: bool
    transcript: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint file that has no problem of its own."""

    name: str
    file: str
    description: str
    access: Access
    roles: Mapping[str, tuple[str, ...]]
    fragments: Mapping[str, str]
    params: Tables
    role_params: Mapping[str, Tables]
    session: SessionRules
    sandbox: tuple[Property, ...]

    def role_names(self) -> tuple[str, ...]:
        """Every role that some caller may get here, in the order of [roles], each once."""
        return tuple(dict.fromkeys(name for names in self.roles.values() for name in names))

    def principals(self) -> Iterator[tuple[str, str]]:
        """The users and @groups that the file names, each with the key that names it."""
        yield from (("access.allow", name) for name in self.access.allow or ())
        yield from (("access.deny", name) for name in self.access.deny)
        yield from (("roles", name) for name in self.roles)
        yield from (("session.groups", f"@{name}") for name in self.session.groups)
        if self.session.run_as not in (CALLER, VIRTUAL):
            yield "session.run_as", self.session.run_as


def parse_endpoint(
    name: str, file: str, table: Mapping[str, object]
) -> tuple[Endpoint | None, list[Problem]]:
    """The endpoint that the table of a file describes; None if anything in it is wrong."""
    report = Report(file)
    top, tables = read_file(table, ENDPOINT, ENDPOINT_TABLES, ENDPOINT_LATER, report)
    session = SessionRules(**read_keys(tables["session"], SESSION, "session", report))
    params, role_params = _read_params(tables["params"], report)
    endpoint = Endpoint(
        name=name,
        file=file,
        description=top["description"],
        access=_read_access(tables["access"], session.run_as, report),
        roles=_read_roles(tables["roles"], report),
        fragments=read_fragments(tables["fragments"], report),
        params=params,
        role_params=role_params,
        session=session,
        sandbox=read_sandbox(tables["sandbox"], report),
    )
    _check_access(endpoint, report)
    _check_session(session, tables["sandbox"], report)
    return (None if report.problems else endpoint), report.problems


def _read_access(table: Mapping[str, object], run_as: str, report: Report) -> Access:
    values = read_keys(table, ACCESS, "access", report)
    values["networks"] = values.pop("from")
    values["local"] = values["local"] or ("trusted" if run_as == CALLER else "ask")
    return Access(**values)


def _read_roles(table: Mapping[str, object], report: Report) -> dict[str, tuple[str, ...]]:
    roles = {}
    read_names = value.list_of(value.name, "names of roles")
    for principal, found in table.items():
        place = join("roles", principal)
        read_value(value.principal_or_all, principal, place, report)
        roles[principal] = read_value(read_names, found, place, report, ())
    return roles


def _read_params(table: Mapping[str, object], report: Report) -> tuple[Tables, dict[str, Tables]]:
    """[params] for every role, and [params.ROLE] for one."""
    everywhere: dict[str, object] = {}
    roles: dict[str, Tables] = {}
    for name, found in table.items():
        if value.NAME.fullmatch(name) and isinstance(found, dict):
            roles[name] = read_parameters(found, join("params", name), report)
        else:
            everywhere[name] = found
    return read_parameters(everywhere, "params", report), roles


def _check_access(endpoint: Endpoint, report: Report) -> None:
    if not endpoint.roles:
        report.add("roles", "nothing", "a table [roles] that gives somebody a role")
    elif endpoint.access.allow is None and set(endpoint.roles) == {EVERYONE}:
        hint = 'allow = ["*"] admits every user of the host'
        report.add("access.allow", "nothing", 'a list, as [roles] names nobody but "*"', hint)


def _check_session(rules: SessionRules, sandbox: Mapping[str, object], report: Report) -> None:
    if rules.idle_timeout > rules.max_idle_timeout:
        found = f"{value.show_seconds(rules.idle_timeout)}"
        limit = value.show_seconds(rules.max_idle_timeout)
        report.add("session.idle_timeout", found, f"at most max_idle_timeout, {limit}")
    if rules.run_as != VIRTUAL:
        if rules.groups:
            hint = "other accounts have the groups that the host gives them"
            report.add("session.groups", show(list(rules.groups)), 'run_as = "virtual"', hint)
        return
    for name, permitted in IMPLIED_BY_DYNAMIC_USER.items():
        if name in sandbox and sandbox[name] not in permitted:
            expected = " or ".join(map(show, permitted))
            hint = 'run_as = "virtual" implies it'
            report.add(join("sandbox", name), show(sandbox[name]), expected, hint)
