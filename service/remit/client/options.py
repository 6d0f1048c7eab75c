"""The options: one table, which reads the command line, the environment and writes the help.

Owns the words. An option that is not in the table of its verb does not exist; nothing is
abbreviated. Does not look at what a command's own arguments say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remit.client.usage import UsageProblem, suggest


class Option:
    """`--name VALUE`, or a switch if `value` is empty; and REMIT_NAME unless `variable` is off."""

    __slots__ = ("name", "short", "summary", "value", "variable")

    def __init__(
        self, name: str, value: str, summary: str, short: str = "", variable: bool = True
    ) -> None:
        self.name = name
        self.value = value
        self.summary = summary
        self.short = short
        self.variable = "REMIT_" + name.upper().replace("-", "_") if variable else ""

    def shown(self) -> str:
        words = f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"
        return f"{words} {self.value}".rstrip()


OPTIONS = {
    option.name: option
    for option in (
        Option(
            "session",
            "SESSION[@HOST[:PORT]]",
            "in this session: its name, its id or the beginning of its id",
            short="s",
            variable=False,  # inside a session REMIT_SESSION is that session's id
        ),
        Option("user", "NAME", "authenticate as this user; default: your name here"),
        Option("port", "NUMBER", "the port of hosts that are written without one; default: 8622"),
        Option("ca", "FILE", "verify hosts by these authorities (PEM), not by the system's"),
        Option("fingerprint", "SHA256:…", "the host's certificate must be exactly this one"),
        Option("password-file", "FILE", "answer the password prompt with the first line of FILE"),
        Option("name", "NAME", "call the new session by this name"),
        Option("idle-timeout", "SPAN", "remove it when unused for so long: 90s, 30m, 2h"),
        Option("timeout", "SPAN", "cancel the command after so long, and exit with 124"),
        Option("json", "", "print JSON"),
        Option("help", "", "print this", short="h", variable=False),
    )
}

# Known to the design, and refused by name until they mean something.
LATER = frozenset(
    """cert key no-wait wait take-over parallel dry-run line script keep-going ended force
    replay t terminal""".split()  # noqa: SIM905
)

CONNECTION = ("user", "port", "ca", "fingerprint", "password-file")


class Words:
    """A parsed command line: options by name (switches as "yes") and the other words."""

    __slots__ = ("options", "words")

    def __init__(self, options: dict[str, str], words: list[str]) -> None:
        self.options = options
        self.words = words


def parse_words(
    words: Sequence[str], allowed: Sequence[str], verb: str, leading: bool = False
) -> Words:
    """Read the words after the verb. With `leading` the first other word ends the options."""
    options: dict[str, str] = {}
    others: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "--":
            others += reversed(rest)
            break
        if not word.startswith("-") or word == "-":
            others.append(word)
            if leading:
                others += reversed(rest)
                break
            continue
        option, value = _find(word, allowed, verb)
        if option.value and value is None:
            if not rest:
                raise UsageProblem(f"{verb}: {word} needs a value: {option.shown()}")
            value = rest.pop()
        if option.name in options:
            raise UsageProblem(f"{verb}: --{option.name} is there twice")
        options[option.name] = "yes" if value is None else value
    return Words(options, others)


def _find(word: str, allowed: Sequence[str], verb: str) -> tuple[Option, str | None]:
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        found = OPTIONS.get(name) if name in allowed else None
    else:
        name, equals, value = word[1:2], word[2:3], word[2:]
        found = next((OPTIONS[key] for key in allowed if OPTIONS[key].short == name), None)
    if found is None:
        raise _unknown(word, name, allowed, verb)
    if equals and not found.value:
        raise UsageProblem(f"{verb}: {word}: --{found.name} takes no value")
    return found, value if equals else None


def _unknown(word: str, name: str, allowed: Sequence[str], verb: str) -> UsageProblem:
    shown = word.partition("=")[0]
    if name in LATER:
        return UsageProblem(f"{verb}: {shown} is not in this version of remit")
    if name in OPTIONS:
        return UsageProblem(f"{verb}: {shown} means nothing to this verb; see remit {verb} --help")
    hint = suggest(shown, [f"--{key}" for key in allowed])
    return UsageProblem(f"{verb}: unknown option {shown}; {hint}")


def add_environment(
    options: dict[str, str], allowed: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Fill what the command line left open from the variables REMIT_…; empty ones are unset."""
    for key in allowed:
        option = OPTIONS[key]
        value = environment.get(option.variable, "") if option.variable else ""
        if value and key not in options:
            options[key] = value
