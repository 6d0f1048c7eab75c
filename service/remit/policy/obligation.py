"""What only the host can answer about a value. The matcher asks, the worker discharges.

An obligation is one question about one value; a value of a `list` parameter raises one for each of
its elements. `position` is the argument's index in the arguments after the command's name (-1 when
it did not come from a request), for the caret of a refusal.
"""

from __future__ import annotations

from remit.policy.structure import Value


class Obligation(Value):
    """A UserObligation or a PathObligation."""

    __slots__ = ()

    parameter: str
    value: str
    position: int


class UserObligation(Obligation):
    """Holds if `value` is an existing user who satisfies every rule below.

    Nobody in one of `not_groups` (primary or not). Anybody in `names`. Otherwise the uid is at
    least `min_uid` and not 0, and if `groups` is not empty, the user is in one of them.
    """

    __slots__ = ("parameter", "value", "groups", "not_groups", "names", "min_uid", "position")

    def __init__(
        self,
        parameter: str,
        value: str,
        groups: tuple[str, ...],
        not_groups: tuple[str, ...],
        names: tuple[str, ...],
        min_uid: int,
        position: int = -1,
    ) -> None:
        self.parameter = parameter
        self.value = value
        self.groups = groups
        self.not_groups = not_groups
        self.names = names
        self.min_uid = min_uid
        self.position = position


class PathObligation(Obligation):
    """Holds if `value` opens with RESOLVE_BENEATH beneath one of `roots`.

    A relative value starts in the session's directory. `kind` is `file`, `directory`, `new` (it
    does not exist, its directory does) or `any`. `excluded` are globs; nothing whose absolute path,
    or a directory above it, matches one is accepted (see `remit.policy.path.is_excluded`).
    `write`: the command may change it.
    """

    __slots__ = ("parameter", "value", "roots", "kind", "write", "excluded", "position")

    def __init__(
        self,
        parameter: str,
        value: str,
        roots: tuple[str, ...],
        kind: str,
        write: bool,
        excluded: tuple[str, ...],
        position: int = -1,
    ) -> None:
        self.parameter = parameter
        self.value = value
        self.roots = roots
        self.kind = kind
        self.write = write
        self.excluded = excluded
        self.position = position
