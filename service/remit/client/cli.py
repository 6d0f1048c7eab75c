"""The command line: from words to a verb's program, and from what happens to an exit status.

Owns standard error, the exit status and signals at the outermost. Options, targets, trust and
sessions are modules of their own.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from remit.client.notice import report
from remit.client.options import Words, add_environment, parse_words
from remit.client.usage import UsageProblem, suggest
from remit.client.verbs import LATER, VERBS, Verb, render_help, render_verb_help
from remit.wire.problem import Problem

USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> int:
    """Run one command line; does not return where leaving at once saves time."""
    gc.disable()  # a short life; collecting while importing costs a tenth of it
    _fill_standard_descriptors()
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    os._exit(status)  # taking the interpreter down in order costs as much as half its start


def _fill_standard_descriptors() -> None:
    """Whoever closed one of them must not find a connection's descriptor in its place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def run(words: Sequence[str]) -> int:
    """The exit status of one command line. Everything that goes wrong is said on stderr."""
    try:
        return _dispatch(list(words))
    except Problem as problem:
        report(problem.message)
        return problem.status
    except BrokenPipeError:
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        report(f"{error.filename or 'this host'}: {error.strerror or error}")
        return 255


def _dispatch(words: list[str]) -> int:
    name = words[0] if words else "help"
    if name == "--version":
        from remit import __version__

        sys.stdout.write(f"remit {__version__}\n")
        return 0
    if name in ("--help", "-h"):
        name = "help"
    verb = _find_verb(name)
    parsed = parse_words(words[1:], verb.options, name, verb.leading)
    if "help" in parsed.options:
        sys.stdout.write(render_verb_help(verb))
        return 0
    if verb.name == "help":
        return _help(parsed.words, bare=not words)
    _check_count(verb, parsed)
    add_environment(parsed.options, verb.options, os.environ)
    from remit.client.settings import Settings

    settings = Settings(parsed.options)
    if verb.name == "run":
        from remit.client.running import run_command

        return run_command(settings, parsed.words)
    from remit.client.programs import PROGRAMS

    return PROGRAMS[name](settings, parsed.words)


def _find_verb(name: str) -> Verb:
    if name in VERBS:
        return VERBS[name]
    if name in LATER:
        raise UsageProblem(f"{name} is not in this version of remit; {suggest(name, VERBS)}")
    if name.startswith("-"):
        raise UsageProblem(
            f"found {name} before a verb; options follow the verb: remit VERB {name}"
        )
    raise UsageProblem(f'"{name}" is no verb; {suggest(name, VERBS)}')


def _help(words: list[str], bare: bool) -> int:
    text = render_verb_help(_find_verb(words[0])) if words else render_help()
    (sys.stderr if bare else sys.stdout).write(text)
    return USAGE if bare else 0


def _check_count(verb: Verb, parsed: Words) -> None:
    least, most = verb.words
    count = len(parsed.words)
    if count < least or 0 <= most < count:
        forms = " or ".join(f"remit {verb.name} {form}" for form in verb.synopses)
        found = f'"{parsed.words[most]}"' if 0 <= most < count else "nothing"
        raise UsageProblem(f"{verb.name}: found {found}, expected {forms}")
