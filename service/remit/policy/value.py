"""Readers of single values in policy files: from what TOML holds to what the program uses.

A reader is a function of one value that returns the converted value or raises Unfit, which says
what would have been right; who reads the table adds the file and the key. Nothing here knows a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

Network = IPv4Network | IPv6Network
Reader = Callable[[object], object]
T = TypeVar("T")

INFINITY = 2**64 - 1
"""What systemd writes for `infinity` in an unsigned 64-bit property."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
"""Names of endpoints and roles; full match."""
PARAMETER_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
FRAGMENT_NAME = re.compile(r"[a-z][a-z0-9-]*")

_ACCOUNT = re.compile(r"(?![-@])(?![0-9]+\Z)[^\x00-\x1f\x7f-\x9f:,/*]{1,255}")
_PAM_SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_DURATION = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?")
_SIZE = re.compile(r"([0-9]{1,15})([KMGT]?)")
_DANGEROUS = re.compile(r"LD_.*|GCONV_PATH|PATH|IFS|ENV|BASH_.*|SHELLOPTS|PYTHON.*|PERL.*|REMIT_.*")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class Unfit(Exception):
    """A value that its key does not take: what it takes, and what to show as found if not all."""

    def __init__(self, expected: str, hint: str = "", found: object = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint
        self.found = found


def text(value: object) -> str:
    """One line of text, 1024 characters at most."""
    if isinstance(value, str) and len(value) <= 1024 and _is_clean(value):
        return value
    raise Unfit("one line of text without control characters, at most 1024 characters")


def flag(value: object) -> bool:
    """true or false, and nothing that merely looks like it."""
    if isinstance(value, bool):
        return value
    raise Unfit("true or false")


def is_number(value: object) -> bool:
    """Whether TOML means a whole number: Python takes true and false for numbers too."""
    return isinstance(value, int) and not isinstance(value, bool)


def integer(least: int, most: int) -> Callable[[object], int]:
    """A whole number between two limits, both included."""

    def read(value: object) -> int:
        if isinstance(value, int) and is_number(value) and least <= value <= most:
            return value
        raise Unfit(f"a whole number from {least} to {most}")

    return read


def choice(*values: str, later: Iterable[str] = ()) -> Callable[[object], str]:
    """One of `values`; those of `later` are known but refused in this version."""
    coming = tuple(later)
    expected = " or ".join(f'"{value}"' for value in values)

    def read(value: object) -> str:
        if isinstance(value, str) and value in values:
            return value
        raise Unfit(expected, "not supported in this version" if value in coming else "", value)

    return read


def duration(least: int = 0, most: int = 366 * 86400) -> Callable[[object], int]:
    """Seconds, from a whole number of them or from text such as "15m" or "12h30m"."""

    def read(value: object) -> int:
        seconds = _seconds(value)
        if seconds is None:
            raise Unfit('a time such as "15m", "12h30m", "7d" or a number of seconds')
        if not least <= seconds <= most:
            raise Unfit(f"a time from {show_seconds(least)} to {show_seconds(most)}")
        return seconds

    return read


def _seconds(value: object) -> int | None:
    if isinstance(value, int) and is_number(value):
        return value
    if not isinstance(value, str) or not value:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    found = _DURATION.fullmatch(value)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def show_seconds(seconds: int) -> str:
    """Seconds as `duration` reads them: 5400 is 1h30m."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"


def size(least: int = 0, *, infinite: bool = False) -> Callable[[object], int]:
    """Bytes, from a whole number of them or from text such as "8M" (K, M, G, T; base 1024)."""
    expected = 'a size such as "8M"' + (' or "infinity"' if infinite else "")

    def read(value: object) -> int:
        if infinite and value == "infinity":
            return INFINITY
        if isinstance(value, int) and is_number(value):
            found = value
        elif isinstance(value, str) and (parts := _SIZE.fullmatch(value)):
            found = int(parts[1]) * _UNITS[parts[2]]
        else:
            raise Unfit(expected)
        if not least <= found < 2**63:
            raise Unfit(f"{expected}, {least} bytes at least")
        return found

    return read


def list_of(
    read: Callable[[object], T], what: str, most: int = 256
) -> Callable[[object], tuple[T, ...]]:
    """A list whose every item `read` takes; a problem shows the item that it does not."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Unfit(f"a list of {what}, {most} at most")
        return tuple(map(read_item, value))

    def read_item(item: object) -> T:
        try:
            return read(item)
        except Unfit as unfit:
            raise Unfit(unfit.expected, unfit.hint, item) from None

    return read_all


def account(value: object) -> str:
    """The name of a user or group; whether it exists only the host can say."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    raise Unfit("the name of an account", "a number is not a name" if _is_numeric(value) else "")


def principal(value: object) -> str:
    """A user's name, or `@` and a group's."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value.removeprefix("@")):
        return value
    hint = "a number is not a name" if _is_numeric(value) else ""
    raise Unfit('a user "name" or a group "@name"', hint)


def _is_numeric(value: object) -> bool:
    return is_number(value) or (isinstance(value, str) and value.removeprefix("@").isdigit())


def principal_or_all(value: object) -> str:
    """A user, a group or `*`, everyone."""
    return "*" if value == "*" else principal(value)


def name(value: object) -> str:
    """The name of an endpoint or role."""
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise Unfit("a name: a-z first, then a-z, 0-9 and -, at most 64 characters")


def pam_service(value: object) -> str:
    """The name of a file in /etc/pam.d."""
    if isinstance(value, str) and _PAM_SERVICE.fullmatch(value):
        return value
    raise Unfit("the name of a PAM service, a file in /etc/pam.d")


def network(value: object) -> Network:
    """An IP address or network, "10.0.0.0/8"; host bits must be zero."""
    if isinstance(value, str) and "%" not in value:
        try:
            return ip_network(value)
        except ValueError:
            pass
    raise Unfit('an address or network such as "10.0.0.0/8" or "2001:db8::/32"')


def absolute_path(value: object) -> str:
    """An absolute path in its plain form; {caller} and the other fields may stand in it."""
    if not isinstance(value, str) or not value.startswith(("/", "{home}")) or not _is_clean(value):
        raise Unfit("an absolute path")
    if len(value) > 4095 or _has_odd_parts(value):
        raise Unfit("an absolute path without empty parts, . and ..")
    return value


def program(value: object) -> str:
    """The absolute path of a program, the same for every caller."""
    path = absolute_path(value)
    if path.startswith("{") or path == "/":
        raise Unfit("the absolute path of a program")
    return path


def helpers(value: object) -> tuple[str, ...]:
    """The programs that a command may run, or "any"."""
    if value == "any":
        return ("any",)
    return list_of(_helper_path, 'absolute paths (or "any" in place of the list)')(value)


def _helper_path(value: object) -> str:
    """An absolute path; one that ends in `/` stands for everything beneath it."""
    if isinstance(value, str) and value.endswith("/") and value != "/":
        return absolute_path(value[:-1]) + "/"
    return absolute_path(value)


def _has_odd_parts(path: str) -> bool:
    return path != "/" and any(part in ("", ".", "..") for part in path.split("/")[1:])


def argument(value: object) -> str:
    """One argument that is passed to a program."""
    if isinstance(value, str) and len(value) <= 4096 and _is_clean(value):
        return value
    raise Unfit("text without control characters, at most 4096 characters")


def environment(value: object) -> dict[str, str]:
    """A table of environment variables."""
    if not isinstance(value, dict) or len(value) > 256:
        raise Unfit('a table such as { LC_ALL = "C" }')
    for key in value:
        if not _VARIABLE.fullmatch(key) or key.startswith("REMIT_"):
            raise Unfit("names of environment variables, none beginning with REMIT_", "", key)
    return {key: argument(item) for key, item in value.items()}


def accepted_variable(value: object) -> str:
    """A variable that the user may set: none that makes programs load or run something else."""
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise Unfit("the name of an environment variable")
    if _DANGEROUS.fullmatch(value):
        raise Unfit("a variable that cannot change what is run")
    return value


def _is_clean(value: str) -> bool:
    """No control characters (C0, DEL, C1) and no lone surrogates."""
    return not any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in value)
