"""The first frame of a session, checked: what it may do, and how it is to behave.

Owns the reading of `policy`. Changes nothing and looks at nothing.
"""

from __future__ import annotations

from remit.policy.command import Policy
from remit.policy.errors import PolicyError
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem


class Settings:
    """What remitd has given this session, for all its life."""

    __slots__ = (
        "buffer",
        "directory",
        "drops",
        "environment",
        "grace",
        "idle_timeout",
        "kept",
        "policy",
        "sandbox",
    )

    def __init__(self, message: Message) -> None:
        """ProtocolProblem if a part of it cannot be understood."""
        try:
            self.policy = Policy.from_json(message.table("policy"))
        except PolicyError as error:
            raise ProtocolProblem(f"policy: {error}") from None
        self.sandbox = message.table("sandbox")
        self.environment = _read_environment(message.table("environment"))
        self.directory = message.text("directory")
        self.idle_timeout = message.number("idle_timeout")
        self.grace = message.number("grace")
        self.buffer = message.number("buffer")
        self.drops = message.text("when_full") == "drop"
        self.kept = message.flag("kept")


def _read_environment(table: dict[str, object]) -> dict[str, str]:
    environment: dict[str, str] = {}
    for name, value in table.items():
        if not isinstance(value, str) or not name or "=" in name or "\0" in name + value:
            raise ProtocolProblem("policy: an environment variable that cannot be one")
        environment[name] = value
    return environment
