"""Where to: the words ENDPOINT[@HOST[:PORT]], HOST[:PORT] and SESSION[@HOST[:PORT]].

Pure: no names are looked up. A target without a host is this host's local socket.
"""

from __future__ import annotations

from remit.client.usage import UsageProblem

PORT = 8622
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
NAME = LETTERS | frozenset("0123456789-")
HOST = NAME | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ._")
ADDRESS = frozenset("0123456789abcdefABCDEF:.%")


class Address:
    """A host and its port; `host` without brackets. The empty host is this one, locally."""

    __slots__ = ("host", "port")

    def __init__(self, host: str = "", port: int = 0) -> None:
        self.host = host
        self.port = port

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        """`host:port`, as known_hosts has it."""
        return f"{self.shown_host()}:{self.port}" if self.host else "this host"

    def shown_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def suffix(self) -> str:
        """What makes a local name a target here: `@HOST`, with the port only where needed."""
        if not self.host:
            return ""
        return f"@{self.shown_host()}" + (f":{self.port}" if self.port != PORT else "")


class Target:
    """An endpoint's or session's name, and the address where it is."""

    __slots__ = ("address", "name")

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address


def parse_target(word: str, port: int = PORT) -> Target:
    """ENDPOINT or ENDPOINT@HOST[:PORT]. UsageProblem."""
    return _parse_named(word, port, "an endpoint")


def parse_session(word: str, port: int = PORT) -> Target:
    """SESSION or SESSION@HOST[:PORT], by name, id or the beginning of an id. UsageProblem."""
    return _parse_named(word, port, "a session")


def parse_address(word: str, port: int = PORT) -> Address:
    """HOST[:PORT]; an IPv6 address stands in brackets. UsageProblem."""
    host, written_port = _split_port(word)
    if written_port is not None:
        port = parse_port(written_port, f'in "{word}"')
    return Address(host, port)


def parse_port(text: str, where: str) -> int:
    """A decimal port number. UsageProblem."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536:
        return int(text)
    raise UsageProblem(f'"{text}" {where} is no port; expected a number from 1 to 65535')


def _parse_named(word: str, port: int, what: str) -> Target:
    _refuse_several(word)
    name, at, where = word.partition("@")
    first = NAME if what == "a session" else LETTERS  # a session's id may begin with a digit
    if not name or name[0] not in first or not NAME.issuperset(name):
        raise UsageProblem(
            f'"{name}" in "{word}" is no name of {what}; expected lower-case letters, '
            f"digits and -{_hint(word)}"
        )
    if len(name) > 64 or name.startswith("-"):
        raise UsageProblem(f'"{name}" is no name of {what}; it is too long or begins with -')
    if at and not where:
        raise UsageProblem(f'"{word}" ends in @; expected a host there, or no @ for this host')
    return Target(name, parse_address(where, port) if at else Address())


def _hint(word: str) -> str:
    if "@" not in word and ("." in word or ":" in word):
        return f"; for an endpoint on a host write ENDPOINT@{word}"
    return ""


def _refuse_several(word: str) -> None:
    if "," in word:
        raise UsageProblem(
            f'"{word}" names several targets; this version of remit takes one at a time'
        )


def _split_port(word: str) -> tuple[str, str | None]:
    _refuse_several(word)
    if word.startswith("["):
        host, bracket, rest = word[1:].partition("]")
        if not bracket or ":" not in host or not ADDRESS.issuperset(host.partition("%")[0]):
            raise UsageProblem(f'"{word}" is no host; expected an IPv6 address in the brackets')
        if rest and not rest.startswith(":"):
            raise UsageProblem(f'"{rest}" after the address in "{word}"; expected :PORT')
        return host, rest[1:] if rest else None
    if word.count(":") > 1:
        raise UsageProblem(f'"{word}" is no host; write an IPv6 address as [{word}]')
    host, colon, port = word.partition(":")
    if not host or host[0] in "-." or not HOST.issuperset(host):
        hint = "; several hosts at once are not in this version" if "[" in host else ""
        raise UsageProblem(f'"{host}" is no host; expected a name or an address{hint}')
    return host, port if colon else None
