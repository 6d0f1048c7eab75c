"""The endpoints in force on this host: reads the files, keeps the last good ones.

Owns the reading, the clockless rest is policy/catalogue.py's. Touches no running session.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from remit.policy.catalogue import DIRECTORIES, Catalogue, Host, make_catalogue
from remit.policy.endpoint import Endpoint
from remit.policy.joining import Loaded
from remit.policy.problem import Problem
from remit.system import accounts, protected


class Catalog:
    """The catalogue as it was last loaded. `root` is where / is, for tests."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        find_program_fault = partial(protected.find_program_fault, root=root)
        self._host = Host(accounts.is_user, accounts.is_group, find_program_fault)
        self._now = Catalogue()

    def load(self) -> list[Problem]:
        """Read all files for the first time."""
        self._now = Catalogue()
        return self.reload()

    def reload(self) -> list[Problem]:
        """Read all files again; all that is wrong with them. What is bad stays as it was."""
        files = protected.read_protected_directories(DIRECTORIES, self._root)
        self._now = make_catalogue(files, self._host, self._now)
        return self.problems

    @property
    def problems(self) -> list[Problem]:
        """What was wrong at the last load."""
        return list(self._now.problems)

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """The endpoints in force by name, those that are not enabled included."""
        return {name: loaded.endpoint for name, loaded in self._now.loaded.items()}

    def get(self, name: str) -> Loaded | None:
        """The endpoint in force of that name, with what its roles offer."""
        return self._now.loaded.get(name)

    def status(self) -> list[dict[str, object]]:
        """Every endpoint that has a file, for the status reply."""
        return [
            {
                "name": name,
                "state": state,
                "problems": [problem.to_json() for problem in self._now.problems_of(name)],
            }
            for name, state in sorted(self._now.states.items())
        ]
