"""What the verbs do but `run`, which has a module of its own. Results go to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from remit.client.connection import Connection
from remit.client.entry import enter
from remit.client.notice import report
from remit.client.render import clean, render_span, render_table
from remit.client.settings import Settings
from remit.client.target import Address, Target, parse_address, parse_session, parse_target
from remit.client.usage import UsageProblem
from remit.wire.problem import Problem

SHORT_ID = 8  # characters of an id in a table; they are enough to name it

SESSION_HEAD = (
    "ID",
    "NAME",
    "ENDPOINT",
    "HOST",
    "STATE",
    "AVAILABILITY",
    "RUNNING",
    "IDLE",
    "EXPIRES",
)

Row = dict[str, object]


def list_endpoints(settings: Settings, words: list[str]) -> int:
    """The endpoints of each host."""
    rows, status = _from_hosts(settings, words, Connection.endpoints)
    if settings.json:
        return _print_json(rows) or status
    lines = [[_text(row, key) for key in ("name", "host", "description")] for row in rows]
    return _print_table(("ENDPOINT", "HOST", "DESCRIPTION"), lines) or status


def list_sessions(settings: Settings, words: list[str]) -> int:
    """The caller's sessions on each host."""
    rows, status = _from_hosts(settings, words, Connection.sessions)
    if settings.json:
        return _print_json(rows) or status
    return _print_table(SESSION_HEAD, map(_session_line, rows)) or status


def list_commands(settings: Settings, words: list[str]) -> int:
    """What a target permits, with usages."""
    if bool(settings.session) == bool(words):
        raise UsageProblem("commands: expected either TARGET or -s SESSION")
    if settings.session:
        target = parse_session(settings.session, settings.port)
        with enter(settings, target) as connection, connection.attach(target.name) as session:
            commands = session.commands()
    else:
        with enter(settings, parse_target(words[0], settings.port)) as connection:
            commands = connection.commands()
    if settings.json:
        return _print_json(commands)
    for command in commands:
        sys.stdout.write(clean(f"{_text(command, 'name')}  {_text(command, 'summary')}").rstrip())
        sys.stdout.write("\n")
        usages = command.get("usages")
        for usage in usages if isinstance(usages, list) else []:
            sys.stdout.write(f"    {clean(str(usage))}\n")
    return 0


def new_session(settings: Settings, words: list[str]) -> int:
    """Open a kept session and print its target."""
    target = parse_target(words[0], settings.port)
    with enter(settings, target) as connection:
        session = connection.new("", settings.name, settings.idle_timeout)
    if settings.json:
        row: Row = {"id": session, "endpoint": target.name, "host": _place(target.address)}
        return _print_json(row)
    sys.stdout.write(f"{session}{target.address.suffix()}\n")
    return 0


def remove_sessions(settings: Settings, words: list[str]) -> int:
    """End sessions, host by host; one that fails does not spare the others."""
    named = [settings.session, *words] if settings.session else []
    if not named:
        raise UsageProblem("remove: expected -s SESSION[@HOST[:PORT]]")
    hosts: dict[Address, list[str]] = {}
    for target in [parse_session(word, settings.port) for word in named]:
        hosts.setdefault(target.address, []).append(target.name)
    worst = 0
    for address, sessions in hosts.items():
        with enter(settings, Target("", address)) as connection:
            for session in sessions:
                try:
                    connection.remove(session)
                except Problem as problem:
                    report(f"{session}{address.suffix()}: {problem.message}")
                    worst = max(worst, problem.status)
    return worst


def trust_host(settings: Settings, words: list[str]) -> int:
    """Pin a host's certificate: the one that is demanded, or the one that the person accepts."""
    from remit.client.known_hosts import KnownHosts, default_path
    from remit.client.prompt import confirm_host
    from remit.client.trust import Trust, mismatch

    address = parse_address(words[0], settings.port)
    known = KnownHosts(default_path())
    found = Trust(known).look(address)
    if settings.fingerprint and settings.fingerprint != found:
        raise Problem("untrusted", mismatch(address, found, settings.fingerprint))
    accepted = bool(settings.fingerprint) or confirm_host(address, found, "you are to say")
    if accepted is None:
        raise Problem(
            "untrusted",
            f"{address} shows {found}, and there is no terminal to ask you on; "
            "give --fingerprint, as `remitctl status` shows it on the host",
        )
    if not accepted:
        raise Problem("untrusted", f"{address} is not trusted; {known.path} is as it was")
    known.put(address, found)
    report(f"{address} is trusted from now on ({known.path})")
    return 0


PROGRAMS: Mapping[str, Callable[[Settings, list[str]], int]] = {
    "endpoints": list_endpoints,
    "commands": list_commands,
    "new": new_session,
    "list": list_sessions,
    "remove": remove_sessions,
    "trust": trust_host,
}


def _from_hosts(
    settings: Settings, words: list[str], question: Callable[[Connection], list[Row]]
) -> tuple[list[Row], int]:
    """The rows of all hosts, with `host`, and the largest status of those that failed."""
    addresses = [parse_address(word, settings.port) for word in words] or [Address()]
    rows: list[Row] = []
    worst = 0
    for address in addresses:
        try:
            with enter(settings, Target("", address)) as connection:
                rows += [{**row, "host": _place(address)} for row in question(connection)]
        except Problem as problem:
            if len(addresses) == 1:
                raise
            report(problem.message)
            worst = max(worst, problem.status)
    return rows, worst


def _place(address: Address) -> str:
    return address.suffix().removeprefix("@")


def _session_line(row: Row) -> list[str]:
    return [
        _text(row, "id")[:SHORT_ID],
        *(_text(row, key) for key in ("name", "endpoint", "host", "state", "availability")),
        _text(row, "running"),
        _span(row, "idle_for"),
        _span(row, "expires_in"),
    ]


def _text(row: Row, key: str) -> str:
    value = row.get(key, "")
    return value if isinstance(value, str) else ""


def _span(row: Row, key: str) -> str:
    value = row.get(key)
    return render_span(value) if isinstance(value, int) and value >= 0 else ""


def _print_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> int:
    sys.stdout.write(render_table(head, lines))
    return 0


def _print_json(value: object) -> int:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True) + "\n")
    return 0
