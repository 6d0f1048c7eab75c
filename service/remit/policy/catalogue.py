"""The catalogue: what all endpoint and role files together amount to, as a value.

Owns which file of several counts, what a bad file does to the rest (nothing), and that the last
good version stays in force. Reads no file: it is given what was found, and a Host to ask.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from remit.policy.endpoint import EVERYONE, Endpoint, parse_endpoint
from remit.policy.joining import Loaded, check_role, join_roles
from remit.policy.problem import Problem, show
from remit.policy.role import RoleFile, parse_role
from remit.policy.value import NAME

VENDOR = "/usr/lib/remit"
ADMINISTRATOR = "/etc/remit"
ENDPOINTS = tuple(f"{place}/endpoints" for place in (VENDOR, ADMINISTRATOR))
ROLES = tuple(f"{place}/roles" for place in (VENDOR, ADMINISTRATOR))
DIRECTORIES = (*ENDPOINTS, *ROLES)
"""Where the files are; a later directory's file hides an earlier one's of the same name."""

LOADED = "loaded"
KEPT = "kept"
DISABLED = "disabled"

_SUFFIX = ".toml"
_DROP_INS = ".toml.d"


class Fault(Protocol):
    """Why a file or program is not trusted or cannot be read."""

    found: str
    expected: str
    hint: str


@dataclass(frozen=True, slots=True)
class Host:
    """What only the host knows, as questions."""

    is_user: Callable[[str], bool]
    is_group: Callable[[str], bool]
    find_program_fault: Callable[[str], Fault | None]


Content = bytes | Fault
Files = Mapping[str, Mapping[str, Content] | Fault]
"""By directory: what it holds by name, or why it is not read at all."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The endpoints in force, the state of every one that has a file, and all problems.

    `endpoints` and `roles` are the last good versions of single files, from which the next
    catalogue is made; `loaded` is what is in force. The files are the paths that count, by name.
    """

    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    roles: Mapping[str, RoleFile] = field(default_factory=dict)
    endpoint_files: Mapping[str, str] = field(default_factory=dict)
    role_files: Mapping[str, str] = field(default_factory=dict)

    def problems_of(self, name: str) -> list[Problem]:
        """The problems of an endpoint: of its own files and of those of its roles."""
        files = {self.endpoint_files.get(name, ""), *_drop_ins(ENDPOINTS, name)}
        endpoint = self.endpoints.get(name)
        for role in endpoint.role_names() if endpoint else ():
            included = self.roles[role].include if role in self.roles else ()
            for each in (role, *included):
                files |= {self.role_files.get(each, ""), *_drop_ins(ROLES, each)}
        return [problem for problem in self.problems if problem.file in files]


Record = TypeVar("Record", Endpoint, RoleFile)
Parse = Callable[[str, str, Mapping[str, object]], tuple[Record | None, list[Problem]]]


@dataclass(slots=True)
class _Reading(Generic[Record]):
    """The files of one kind: their paths, those that are good so far, all problems."""

    paths: dict[str, str] = field(default_factory=dict)
    good: dict[str, Record] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def judge(self, name: str, problems: list[Problem]) -> None:
        """Note the problems of a file; one that has any is not good."""
        self.problems += problems
        if problems:
            self.good.pop(name, None)

    def or_last_good(self, before: Mapping[str, Record]) -> dict[str, Record]:
        """For every file its good version: this one, else the one before, if there was one."""
        kept = {name: before[name] for name in self.paths if name in before}
        return kept | self.good


def make_catalogue(files: Files, host: Host, before: Catalogue | None = None) -> Catalogue:
    """The catalogue of these files; what is bad in them stays as it was `before`."""
    before = before or Catalogue()
    read_roles = _read_kind(files, ROLES, parse_role, before.role_files)
    roles = _sound_roles(read_roles, before.roles, host)
    read = _read_kind(files, ENDPOINTS, parse_endpoint, before.endpoint_files)
    for name, endpoint in list(read.good.items()):
        read.judge(name, list(_account_problems(endpoint, host)))
    endpoints = read.or_last_good(before.endpoints)
    loaded: dict[str, Loaded] = {}
    states: dict[str, str] = dict.fromkeys(read.paths, DISABLED)
    for name, endpoint in endpoints.items():
        joined, problems = join_roles(endpoint, roles)
        read.judge(name, problems)
        in_force = joined or before.loaded.get(name)
        if in_force is not None:
            loaded[name] = in_force
            fresh = name in read.good and _role_names(endpoint, roles) <= read_roles.good.keys()
            if in_force.endpoint.access.enabled:
                states[name] = LOADED if fresh else KEPT
    problems = sorted({*read_roles.problems, *read.problems})
    return Catalogue(
        loaded, states, tuple(problems), endpoints, roles, read.paths, read_roles.paths
    )


def _sound_roles(
    read: _Reading[RoleFile], before: Mapping[str, RoleFile], host: Host
) -> dict[str, RoleFile]:
    """The roles, or their last good versions; those that include others are judged last."""
    for name, role in list(read.good.items()):
        read.judge(name, list(_program_problems(role, host)))
    for name, role in sorted(read.good.items(), key=lambda item: bool(item[1].include)):
        read.judge(name, check_role(role, read.or_last_good(before)))
    return read.or_last_good(before)


def _role_names(endpoint: Endpoint, roles: Mapping[str, RoleFile]) -> set[str]:
    names = endpoint.role_names()
    included = (each for name in names if name in roles for each in roles[name].include)
    return {*names, *included}


def _read_kind(
    files: Files, directories: tuple[str, ...], parse: Parse[Record], before: Mapping[str, str]
) -> _Reading[Record]:
    """Parse each file that counts.

    A directory that is not trusted hides what it would have hidden or replaced, so nothing of its
    kind is read anew then: every file of `before` counts as bad, and no other is loaded.
    """
    read: _Reading[Record] = _Reading()
    found: dict[str, tuple[str, Content]] = {}
    for directory in directories:
        entries = files.get(directory, {})
        if isinstance(entries, Mapping):
            found |= {name: (f"{directory}/{name}", each) for name, each in entries.items()}
        else:
            read.problems.append(_fault_problem(directory, entries))
    if read.problems:
        read.paths.update(before)
        return read
    for file_name, (path, content) in sorted(found.items(), key=lambda item: _is_drop_in(item[0])):
        if _is_drop_in(file_name):
            hint = "drop-ins are not supported in this version; write the whole file"
            problem = Problem(path, "", "a directory of drop-ins", "none", hint)
            read.judge(file_name.removesuffix(_DROP_INS), [problem])
        elif file_name.endswith(_SUFFIX):
            _read_file(file_name.removesuffix(_SUFFIX), path, content, parse, read)
    return read


def _is_drop_in(file_name: str) -> bool:
    return file_name.endswith(_DROP_INS)


def _drop_ins(directories: tuple[str, ...], name: str) -> Iterator[str]:
    return (f"{directory}/{name}{_DROP_INS}" for directory in directories)


def _read_file(
    name: str, path: str, content: Content, parse: Parse[Record], read: _Reading[Record]
) -> None:
    if not NAME.fullmatch(name):
        expected = "a-z first, then a-z, 0-9 and -, at most 64 characters"
        read.problems.append(Problem(path, "", f"the name {show(name)}", expected))
        return
    read.paths[name] = path
    if not isinstance(content, bytes):
        read.problems.append(_fault_problem(path, content))
        return
    table = parse_toml(path, content)
    if isinstance(table, Problem):
        read.problems.append(table)
        return
    record, problems = parse(name, path, table)
    read.problems += problems
    if record is not None:
        read.good[name] = record


def parse_toml(path: str, content: bytes) -> dict[str, object] | Problem:
    """The table of a file, or the one problem of a file that is not TOML."""
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        return Problem(path, "", found, "text in UTF-8")
    except RecursionError:
        return Problem(path, "", "values nested too deeply", "a file of tables and lists")
    except ValueError as error:
        reason, _, place = str(error).rstrip(")").partition(" (at ")
        return Problem(path, place, "text that is not TOML", "a TOML file", reason)


def _program_problems(role: RoleFile, host: Host) -> Iterator[Problem]:
    for key, program in role.programs():
        if fault := host.find_program_fault(program):
            yield Problem(role.file, key, fault.found, fault.expected, fault.hint)


def _account_problems(endpoint: Endpoint, host: Host) -> Iterator[Problem]:
    for key, principal in endpoint.principals():
        if principal == EVERYONE:
            continue
        name = principal.removeprefix("@")
        kind, exists = ("group", host.is_group) if name != principal else ("user", host.is_user)
        if not exists(name):
            hint = f'write "@{name}"' if kind == "user" else f'write "{name}"'
            other = host.is_user if kind == "group" else host.is_group
            found, expected = f'unknown {kind} "{name}"', f"a {kind} of this host"
            yield Problem(endpoint.file, key, found, expected, hint if other(name) else "")


def _fault_problem(path: str, fault: Fault) -> Problem:
    return Problem(path, "", fault.found, fault.expected, fault.hint)
