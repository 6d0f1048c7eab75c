"""decide(): one request against one policy. The only place that says whether a command may run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remit.policy.command import Command, Policy
from remit.policy.field import fill
from remit.policy.mask import mask_tries, mask_values
from remit.policy.match import Match, Mismatch, match
from remit.policy.nearness import nearest_names
from remit.policy.obligation import Obligation
from remit.policy.structure import Value
from remit.policy.suggestion import find_order
from remit.policy.usage import Usage

UNKNOWN_COMMAND = "unknown-command"
REFUSED = "refused"
EXIT_STATUS = {UNKNOWN_COMMAND: 127, REFUSED: 126}

Discharge = Callable[[Obligation], bool]


class Allowed(Value):
    """A request that may run, and exactly what runs.

    `argv` is exec + insert + the user's arguments verbatim + append, fields filled; `environment`
    and `directory` ("": the session's) are the command's own, filled. `usage` begins with the
    command's name. All `obligations` are discharged. `shown` is `argv`, and `request` what the user
    typed, with the values of secret parameters as ***; neither is escaped for terminals.
    """

    __slots__ = (
        "command", "argv", "role", "usage", "bindings", "obligations", "environment", "directory",
        "shown", "request",
    )  # fmt: skip

    def __init__(
        self, policy: Policy, command: Command, usage: Usage, argv: Sequence[str], found: Match
    ) -> None:
        def full(arguments: Sequence[str]) -> tuple[str, ...]:
            insert = [fill(text, policy.fields) for text in command.insert]
            append = [fill(text, policy.fields) for text in command.append]
            return (command.exec, *insert, *arguments, *append)

        safe = mask_values(argv[1:], found.values)
        self.command = command
        self.argv = full(argv[1:])
        self.role = command.role
        self.usage = f"{command.name} {usage.text}".rstrip()
        self.bindings = found.bindings
        self.obligations = found.obligations
        self.environment = {k: fill(v, policy.fields) for k, v in command.environment.items()}
        self.directory = fill(command.directory, policy.fields)
        self.shown = full(safe)
        self.request = (argv[0], *safe)


class Refused(Value):
    """A request that may not run. `refusal.render()` makes the text of it.

    `code` is UNKNOWN_COMMAND or REFUSED. `argv` is what the user typed, secrets as ***, not
    escaped. `position` is an index into `argv`: 0 is the command's name, len(argv) says that
    something is missing. `expected`: what could have stood there. `nearest` is the nearest usage
    with the command's name in front, or the nearest names of commands, each of them one entry.
    `suggestion` is the same request in a permitted order, or empty.
    """

    __slots__ = ("code", "endpoint", "argv", "position", "expected", "nearest", "suggestion")

    def __init__(
        self,
        code: str,
        endpoint: str,
        argv: tuple[str, ...],
        position: int,
        expected: tuple[str, ...] = (),
        nearest: tuple[str, ...] = (),
        suggestion: tuple[str, ...] = (),
    ) -> None:
        self.code = code
        self.endpoint = endpoint
        self.argv = argv
        self.position = position
        self.expected = expected
        self.nearest = nearest
        self.suggestion = suggestion

    @property
    def status(self) -> int:
        """The exit status: 127 for an unknown command, else 126."""
        return EXIT_STATUS[self.code]


def decide(policy: Policy, argv: Sequence[str], discharge: Discharge) -> Allowed | Refused:
    """`argv[0]` names a command by its name or by exactly its `exec`.

    One usage of one role admits the vector as a whole; roles, commands and usages are tried as
    written. `discharge` answers what only the host can; when it denies one of a usage's
    obligations, the next usage is tried. Raises nothing on any argv, and UsageError only for a
    policy that was not compiled before it was sent.
    """
    word = argv[0] if argv else ""
    named = [(role, each) for role in policy.roles for each in role.named(word)]
    if not named:
        names = [name for role in policy.roles for name in role.commands]
        nearest = nearest_names(word, names)
        return Refused(UNKNOWN_COMMAND, policy.endpoint, (word, *argv[1:]), 0, nearest=nearest)
    attempts: list[_Attempt] = []
    for role, command in named:
        for usage in role.usages(command.name):
            found = match(usage, argv[1:], policy.fields)
            denied = _denied(found, discharge)
            if isinstance(found, Match) and denied is None:
                return Allowed(policy, command, usage, argv, found)
            attempts.append(_Attempt(command, usage, found, denied))
    return _refuse(policy, argv, attempts, discharge)


def _denied(found: Match | Mismatch, discharge: Discharge) -> Obligation | None:
    if isinstance(found, Match):
        for obligation in found.obligations:
            if not discharge(obligation):
                return obligation
    return None


class _Attempt:
    """A usage that did not admit the request, and where."""

    __slots__ = ("command", "usage", "found", "position")

    def __init__(
        self,
        command: Command,
        usage: Usage,
        found: Match | Mismatch,
        denied: Obligation | None,
    ) -> None:
        self.command = command
        self.usage = usage
        self.found = found
        self.position = denied.position if denied else 0
        if isinstance(found, Mismatch):
            self.position = found.position


def _refuse(
    policy: Policy, argv: Sequence[str], attempts: list[_Attempt], discharge: Discharge
) -> Refused:
    attempts.sort(key=lambda attempt: -attempt.position)  # stable: as written where equal
    nearest = attempts[0]
    masked = _masked(policy, argv[1:], attempts)
    suggestion: tuple[str, ...] = ()
    for attempt in attempts[:4]:
        order = _reorder(policy, argv[1:], attempt, discharge)
        if order is not None:
            nearest = attempt
            safe = mask_values(order[0], order[1].values)
            known = dict(zip(order[0], safe, strict=True))  # better than a guess
            masked = tuple(known[argument] for argument in argv[1:])
            suggestion = (argv[0], *safe)
            break
    expected = nearest.found.expected if isinstance(nearest.found, Mismatch) else ()
    return Refused(
        REFUSED,
        policy.endpoint,
        (argv[0], *masked),
        nearest.position + 1,
        expected,
        (f"{nearest.command.name} {nearest.usage.text}".rstrip(),),
        suggestion,
    )


def _reorder(
    policy: Policy, arguments: Sequence[str], attempt: _Attempt, discharge: Discharge
) -> tuple[tuple[str, ...], Match] | None:
    if isinstance(attempt.found, Match):
        return None
    order = find_order(attempt.usage, arguments, policy.fields, attempt.found)
    return None if order is None or _denied(order[1], discharge) is not None else order


def _masked(policy: Policy, arguments: Sequence[str], attempts: list[_Attempt]) -> tuple[str, ...]:
    tries = [(a.usage, a.found) for a in attempts if isinstance(a.found, Mismatch)]
    shown = list(mask_tries(arguments, tries, policy.fields))
    for attempt in attempts:
        if isinstance(attempt.found, Match):
            known = mask_values(arguments, attempt.found.values)
            for position, argument in enumerate(known):
                if argument != arguments[position]:
                    shown[position] = argument
    return tuple(shown)
