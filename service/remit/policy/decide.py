"""decide(): one request against one policy. Skeleton: types only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remit.policy.command import Command, Policy
from remit.policy.obligation import Obligation
from remit.policy.structure import Value


class Allowed(Value):
    """A request that may run, and exactly what runs."""

    __slots__ = ("command", "argv", "role", "usage", "bindings", "obligations", "environment",
                 "directory", "shown", "request")

    command: Command
    argv: tuple[str, ...]  # exec + insert + the user's arguments verbatim + append, fields filled
    role: str
    usage: str  # with the command's name
    bindings: tuple[tuple[str, str], ...]
    obligations: tuple[Obligation, ...]  # all discharged
    environment: dict[str, str]  # the command's own, fields filled
    directory: str  # "": the session's; fields filled
    shown: tuple[str, ...]  # argv with the values of secret parameters as ***
    request: tuple[str, ...]  # what the user typed, with the same values as ***


class Refused(Value):
    """A request that may not run. remit.policy.refusal.render() makes the text of it."""

    __slots__ = ("code", "endpoint", "argv", "position", "missing", "nearest", "suggestion")

    code: str  # "unknown-command" (exit status 127) or "refused" (126)
    endpoint: str
    argv: tuple[str, ...]  # what the user typed, secrets as ***; not yet escaped for terminals
    position: int  # index into argv (0: the command's name; len(argv): something is missing)
    nearest: tuple[str, ...]  # the nearest usage with the command's name, or the nearest names
    suggestion: tuple[str, ...]  # the same arguments in a permitted order, or empty


def decide(
    policy: Policy, argv: Sequence[str], discharge: Callable[[Obligation], bool]
) -> Allowed | Refused:
    """`argv[0]` names a command by its name or by exactly its `exec`. Never raises on any argv."""
    raise NotImplementedError
