"""`remitctl check`: all problems of the installed files, or of files that are still being written.

Gives remitd's own answers: the same reading, the same rules. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from remit.control.failure import MISUSED, Failure
from remit.policy.catalogue import (
    DIRECTORIES,
    ENDPOINTS,
    ROLES,
    Catalogue,
    Content,
    Files,
    Host,
    make_catalogue,
    parse_toml,
)
from remit.policy.problem import Problem, suggest
from remit.system import accounts, protected

_OWN_TO_ROLES = {"commands", "functions", "include"}


class Checker:
    """The installed files and what is wrong with them. `root` is where / is, for tests."""

    def __init__(self, root: str = "/") -> None:
        find_program_fault = partial(protected.find_program_fault, root=root)
        self._host = Host(accounts.is_user, accounts.is_group, find_program_fault)
        self._files: Files = protected.read_protected_directories(DIRECTORIES, root)
        self._installed = make_catalogue(self._files, self._host)

    def check(self, targets: Iterable[str]) -> list[Problem]:
        """The problems of these endpoints and files, each once; of everything if there are none."""
        found = [self._check(target) for target in targets]
        return sorted({each for problems in found for each in problems}) if found else self.all()

    def all(self) -> list[Problem]:
        """Everything that is wrong with the installed files."""
        return list(self._installed.problems)

    def _check(self, target: str) -> list[Problem]:
        if _is_file(target):
            path = str(Path(target).absolute())
            if str(Path(path).parent) in DIRECTORIES:
                return self._check_installed(path)
            return list(self._check_draft(Path(target)))
        if target not in self._installed.endpoint_files:
            hint = suggest(target, self._installed.endpoint_files)
            raise Failure(f"no endpoint {target} on this host" + (f"; {hint}" if hint else ""))
        return self._installed.problems_of(target)

    def _check_installed(self, path: str) -> list[Problem]:
        directory, _, name = path.rpartition("/")
        entries = self._files[directory]
        if isinstance(entries, dict) and name not in entries:
            raise Failure(f"{path}: no such file", MISUSED)
        return [each for each in self.all() if each.file in (path, directory)]

    def _check_draft(self, file: Path) -> Iterator[Problem]:
        """What would be wrong if the file were installed, in it and because of it."""
        content = _read(file)
        directory = (ROLES if _is_role(file, content) else ENDPOINTS)[-1]
        place = f"{directory}/{file.name}"
        there = self._files[directory]
        others = dict(there) if isinstance(there, dict) else {}
        drafted: Files = {**self._files, directory: {**others, file.name: content}}
        catalogue = make_catalogue(drafted, self._host)
        for problem in catalogue.problems:
            if problem.file == place:
                yield replace(problem, file=str(file))
            elif problem not in self._installed.problems:
                yield problem

    @property
    def installed(self) -> Catalogue:
        """What remitd would load now if it had nothing yet."""
        return self._installed


def _is_file(target: str) -> bool:
    return "/" in target or target.endswith(".toml")


def _read(file: Path) -> bytes:
    if file.suffix != ".toml":
        raise Failure(f"{file}: expected a file NAME.toml", MISUSED)
    try:
        with file.open("rb") as opened:
            content = opened.read(protected.FILE_LIMIT + 1)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", MISUSED) from error
    if len(content) > protected.FILE_LIMIT:
        raise Failure(f"{file}: larger than {protected.FILE_LIMIT} bytes")
    return content


def _is_role(file: Path, content: Content) -> bool:
    """By the directory that it lies in, else by what is in it."""
    parent = file.absolute().parent.name
    if parent in ("endpoints", "roles"):
        return parent == "roles"
    table = parse_toml(str(file), content) if isinstance(content, bytes) else {}
    return isinstance(table, dict) and bool(_OWN_TO_ROLES & table.keys())
