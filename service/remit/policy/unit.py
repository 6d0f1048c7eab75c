"""Names of systemd units as systemctl takes them (systemd.unit(5))."""

from __future__ import annotations

from remit.policy.characters import DIGITS, LETTERS

SUFFIXES = (
    ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path",
    ".timer", ".slice", ".scope",
)  # fmt: skip
MAX_LENGTH = 255

_CHARACTERS = frozenset(LETTERS + DIGITS + ":_.@-")


def full_name(value: str) -> str:
    """The unit that systemctl means by `value`: `nginx` is `nginx.service`. "" if it is no name; a
    number alone is none, since systemctl takes it for a process."""
    name = value if value.endswith(SUFFIXES) else value + ".service"
    stem = name.rpartition(".")[0]
    if not stem or value.isdigit() or stem[0] == "@" or len(name) > MAX_LENGTH:
        return ""
    if not _CHARACTERS.issuperset(name):
        return ""
    return name
