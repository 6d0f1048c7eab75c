"""The options as values: checked, with their defaults, from the command line or the environment.

Owns what each may be. Options are options.py's, targets are target.py's.
"""

from __future__ import annotations

from collections.abc import Mapping

from remit.client.known_hosts import is_fingerprint
from remit.client.target import LETTERS, NAME, PORT, parse_port
from remit.client.usage import UsageProblem

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 10 * 365 * 86400  # seconds


class Settings:
    """What the options say, for whatever verb. Empty text and None stand for `not given`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """UsageProblem names the option and what it may be."""
        get = options.get
        self.session = get("session", "")
        self.user = _user(get("user", ""))
        self.port = parse_port(options["port"], "for --port") if "port" in options else PORT
        self.ca = get("ca", "")
        self.fingerprint = _fingerprint(get("fingerprint", ""))
        self.password_file = get("password-file", "")
        self.name = _name(get("name", ""))
        self.idle_timeout = _span("idle-timeout", options)
        self.timeout = _span("timeout", options)
        self.json = get("json", "") not in ("", "0", "no")


def parse_span(text: str) -> int | None:
    """Seconds of `90s`, `30m`, `2h`, `1h30m`, or plain seconds. None if it is no such thing."""
    if text.isascii() and text.isdigit() and len(text) < 12:
        text += "s"
    seconds, digits = 0, ""
    for character in text:
        if character in UNITS and digits:
            seconds += int(digits) * UNITS[character]
            digits = ""
        elif character in "0123456789" and len(digits) < 12:
            digits += character
        else:
            return None
    return seconds if text and not digits and 0 < seconds <= LONGEST else None


def _span(name: str, options: Mapping[str, str]) -> int | None:
    if name not in options:
        return None
    seconds = parse_span(options[name])
    if seconds is None:
        raise UsageProblem(f'--{name}: found "{options[name]}", expected a time like 90s, 30m, 2h')
    return seconds


def _fingerprint(text: str) -> str:
    text = text.rstrip("=")
    if text and not is_fingerprint(text):
        raise UsageProblem(
            f'--fingerprint: found "{text}", expected SHA256: and 43 characters, as '
            "`remitctl status` shows it on the host"
        )
    return text


def _user(text: str) -> str:
    if not text.isprintable() or len(text) > 256:
        raise UsageProblem("--user: found control characters or too many; expected a user's name")
    return text


def _name(text: str) -> str:
    if text and (text[0] not in LETTERS or not NAME.issuperset(text) or len(text) > 64):
        raise UsageProblem(
            f'--name: found "{text}", expected a lower-case letter, then letters, digits and -'
        )
    return text
