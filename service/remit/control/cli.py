"""remitctl's command line: its verbs, their options, and what each prints.

Results go to standard output, everything else to standard error after `remitctl: `. Exit status:
0 done and nothing wrong, 1 something is wrong, 2 called in a wrong way.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from remit import __version__
from remit.control.check import Checker
from remit.control.client import ask
from remit.control.failure import FAILED, MISUSED, Failure
from remit.control.status import render, show_problem
from remit.wire.message import Message


class Verb(NamedTuple):
    """One verb: what it does in one line, its arguments, its function."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Errors in remitctl's own form."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}; `{self.prog} --help` shows what is possible")
        raise SystemExit(MISUSED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except Failure as failure:
        _complain(failure.message)
        return failure.status
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="remitctl",
        description="Look after remit's endpoints and sessions on this host.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"remitctl {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, prog="remitctl")
    for verb in VERBS:
        each = verbs.add_parser(
            verb.name, help=verb.summary, description=f"{verb.summary}.", allow_abbrev=False
        )
        verb.add_arguments(each)
        each.set_defaults(run=verb.run)
    return parser


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        metavar="NAME|FILE",
        nargs="*",
        help="An endpoint of this host, or a file that is to become one or a role",
    )
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print one JSON object")


def _add_nothing(_parser: argparse.ArgumentParser) -> None:
    pass


def _check(options: argparse.Namespace) -> int:
    problems = Checker().check(options.targets)
    if options.json:
        print(json.dumps({"problems": [problem.to_json() for problem in problems]}))
    for problem in () if options.json else problems:
        print(problem)
    return FAILED if problems else 0


def _reload(_options: argparse.Namespace) -> int:
    problems = ask(Message("reload"), "reloaded").tables("problems")
    for problem in problems:
        _complain(show_problem(problem))
    return FAILED if problems else 0


def _status(options: argparse.Namespace) -> int:
    status = ask(Message("status"), "host-status").table("status")
    lines = [json.dumps(status)] if options.json else render(status)
    for line in lines:
        print(line)
    return 0


def _complain(message: str) -> None:
    print(f"remitctl: {message}", file=sys.stderr)


VERBS = (
    Verb("check", "Check the files of endpoints and roles", _add_check, _check),
    Verb("reload", "Have remitd read them again; sessions go on", _add_nothing, _reload),
    Verb("status", "Show remitd's version, endpoints and sessions", _add_json, _status),
)
