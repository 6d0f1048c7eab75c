"""`remit run`: one command with this process's standard streams, in place of this process.

Owns what the three descriptors and the exit status become.
"""

from __future__ import annotations

import errno
import os
import stat

from remit.client.entry import enter
from remit.client.notice import report
from remit.client.render import render_span
from remit.client.settings import Settings
from remit.client.target import Target, parse_session, parse_target
from remit.client.usage import UsageProblem
from remit.wire.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.client.input import Source
    from remit.client.session import Result, Session

MAX_WORDS = 257  # of a command, its name among them (grammar.md, 8)
MAX_LETTERS = 4096  # of one word
TIMED_OUT = 124
BROKEN_PIPE = 141
FAILED = 255

NULL = os.makedev(1, 3)


def run_command(settings: Settings, words: list[str]) -> int:
    """The command's exit status, or ours if something came between."""
    target, argv = _split(settings, words)
    _check(argv)
    result: Result | None = None
    try:
        with enter(settings, target) as connection:
            session = connection.attach(target.name) if settings.session else connection.open()
            with session:
                result = _run(session, argv, settings.timeout)
    except Problem as problem:
        if result is None:
            raise
        report(f"the command has ended; leaving its session went wrong: {problem.message}")
    return _status(result, settings)


def _split(settings: Settings, words: list[str]) -> tuple[Target, list[str]]:
    if settings.session:
        target, argv = parse_session(settings.session, settings.port), words
    elif words:
        target, argv = parse_target(words[0], settings.port), words[1:]
    else:
        raise UsageProblem("run: found nothing, expected TARGET and COMMAND, or -s SESSION")
    return target, argv[1:] if argv[:1] == ["--"] else argv


def _check(argv: list[str]) -> None:
    if not argv:
        raise UsageProblem(
            "run: found no command after the target; `remit commands` shows what there is"
        )
    if len(argv) > MAX_WORDS:
        raise UsageProblem(f"run: found {len(argv)} words, expected at most {MAX_WORDS}")
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageProblem(f"run: found {word!a}, expected UTF-8") from None
        if len(word) > MAX_LETTERS:
            raise UsageProblem(
                f'run: "{word[:20]}…" has {len(word)} characters, expected at most {MAX_LETTERS}'
            )


def _run(session: Session, argv: list[str], timeout: int | None) -> Result:
    from remit.client.interrupts import Interrupts
    from remit.client.output import DescriptorSink

    with Interrupts() as interrupts:
        return session.run(
            argv,
            stdin=_standard_input(),
            stdout=DescriptorSink(1, interrupts),
            stderr=DescriptorSink(2, interrupts),
            timeout=timeout,
            interrupts=interrupts,
        )


def _standard_input() -> Source | None:
    """Whatever is there is offered, terminals too; the role decides whether it is read at all."""
    from remit.client.input import Source

    state = os.fstat(0)
    if stat.S_ISCHR(state.st_mode) and state.st_rdev == NULL:
        return None
    return Source.from_descriptor(0)


def _status(result: Result, settings: Settings) -> int:
    for name, failure in zip(("standard output", "standard error"), result.failures, strict=True):
        if failure is not None and failure.errno == errno.EPIPE:
            return BROKEN_PIPE
        if failure is not None:
            report(f"{name}: {failure.strerror}; the command was cancelled")
            return FAILED
    if result.timed_out:
        span = render_span(settings.timeout or 0)
        report(f"the command was cancelled after {span}, as --timeout says")
        return TIMED_OUT
    return result.status
