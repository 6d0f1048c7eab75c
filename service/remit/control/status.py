"""`remitctl status`: remitd's answer as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from remit.policy.problem import Problem, printable

Status = Mapping[str, object]


def render(status: Status) -> Iterator[str]:
    """The lines of a status reply; fields that it lacks are left blank."""
    yield f"remit {_text(status, 'version')}"
    yield f"fingerprint  {_text(status, 'fingerprint') or 'none yet: remit-gate has not started'}"
    yield "endpoints"
    yield from _endpoints(_tables(status, "endpoints"))
    yield "sessions"
    yield from _sessions(_tables(status, "sessions"))


def _endpoints(endpoints: list[Status]) -> Iterator[str]:
    if not endpoints:
        yield "  none"
    for endpoint in endpoints:
        yield f"  {_text(endpoint, 'name'):<24} {_text(endpoint, 'state')}"
        for problem in _tables(endpoint, "problems"):
            yield f"    {show_problem(problem)}"


def _sessions(sessions: list[Status]) -> Iterator[str]:
    if not sessions:
        yield "  none"
    for session in sessions:
        columns = (_text(session, key) for key in ("id", "owner", "endpoint", "availability"))
        name = _text(session, "name")
        yield "  " + "  ".join(filter(None, (*columns, name, _text(session, "running"))))


def show_problem(problem: Status) -> str:
    """A problem as `remitctl check` writes it, from its JSON; or the text that it has."""
    if "text" in problem:
        return _text(problem, "text")
    return str(Problem(*(_text(problem, each.name) for each in fields(Problem))))


def _tables(status: Status, key: str) -> list[Status]:
    found = status.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(status: Status, key: str) -> str:
    """The field's text, with what could play tricks on a terminal escaped."""
    return printable(str(status.get(key, "")))
