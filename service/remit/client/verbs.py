"""The verbs: one table, which is their parser, their help and what completion and manual follow.

Says what there is; programs.py does it.
"""

from __future__ import annotations

from remit.client.options import CONNECTION, OPTIONS
from remit.client.render import render_columns

SESSION = ("session",)


class Verb:
    """`leading`: the first word that is no option ends the options, the rest is a command's.
    `words` are the least and the most of other words that it takes, -1 for any number."""

    __slots__ = ("leading", "name", "options", "summary", "synopses", "words")

    def __init__(
        self,
        name: str,
        synopses: tuple[str, ...],
        summary: str,
        options: tuple[str, ...],
        words: tuple[int, int],
        leading: bool = False,
    ) -> None:
        self.name = name
        self.synopses = synopses
        self.summary = summary
        self.options = options
        self.words = words
        self.leading = leading


VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "endpoints",
            ("[HOST[:PORT]…]",),
            "the endpoints that I may use there",
            (*CONNECTION, "json", "help"),
            (0, -1),
        ),
        Verb(
            "commands",
            ("TARGET", "-s SESSION[@HOST[:PORT]]"),
            "what I may run there, with usages",
            (*SESSION, *CONNECTION, "json", "help"),
            (0, 1),
        ),
        Verb(
            "run",
            ("TARGET [--] COMMAND [ARG…]", "-s SESSION[@HOST[:PORT]] [--] COMMAND [ARG…]"),
            "run one command, in a session of its own or in mine",
            (*SESSION, *CONNECTION, "timeout", "help"),
            (0, -1),
            leading=True,
        ),
        Verb(
            "new",
            ("TARGET",),
            "open a session that stays, and print ID@HOST",
            (*CONNECTION, "name", "idle-timeout", "json", "help"),
            (1, 1),
        ),
        Verb(
            "list",
            ("[HOST[:PORT]…]",),
            "my sessions there",
            (*CONNECTION, "json", "help"),
            (0, -1),
        ),
        Verb(
            "remove",
            ("-s SESSION[@HOST[:PORT]] [SESSION[@HOST[:PORT]]…]",),
            "end sessions of mine",
            (*SESSION, *CONNECTION, "help"),
            (0, -1),
        ),
        Verb(
            "trust",
            ("HOST[:PORT]",),
            "pin a host's certificate in known_hosts",
            ("port", "fingerprint", "help"),
            (1, 1),
        ),
        Verb("help", ("[VERB]",), "print what there is, or what a verb takes", ("help",), (0, 1)),
    )
}

# Verbs of the design that are not here yet, so that nobody looks for his mistake in vain.
LATER = frozenset(
    ("enter", "attach", "detach", "receive", "job", "copy", "edit", "forget", "doctor")
)

GENERAL = """\
remit: sessions and just enough administration

usage: remit VERB [OPTION…] [TARGET] …

verbs:
{verbs}
TARGET is ENDPOINT, which is on this host, or ENDPOINT@HOST[:PORT]. Options follow the verb; what
follows TARGET of `run` is the command, verbatim.

remit VERB --help prints a verb's options, remit --version the version, remit(1) tells the rest.
"""


def render_help() -> str:
    return GENERAL.format(verbs=render_columns((v.name, v.summary) for v in VERBS.values()))


def render_verb_help(verb: Verb) -> str:
    usages = "".join(f"usage: remit {verb.name} [OPTION…] {form}\n" for form in verb.synopses)
    options = render_columns((OPTIONS[key].shown(), OPTIONS[key].summary) for key in verb.options)
    text = f"{usages}\n{verb.summary}\n\noptions:\n{options}"
    variable = next((OPTIONS[key].variable for key in verb.options if OPTIONS[key].variable), "")
    return f"{text}\nor in the environment, as {variable} and so on\n" if variable else text
