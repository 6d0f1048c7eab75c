"""Whose turn it is: the conversation of a client with a host, as one table.

Every party keeps a Turn and asks it about each message that it sends or receives; what is not in
the table ends the connection. After `attached` the frames belong to the session (SESSION_*), and
after `released` the conversation goes on here. Owns no messages' contents.
"""

from __future__ import annotations

from collections.abc import Mapping

from remit.wire.problem import ProtocolProblem

VERSION = 1  # of the protocol that this package speaks

REQUESTS = ("endpoints", "commands", "open", "attach", "list", "remove")
RESULTS = ("endpoint-list", "command-list", "opened", "session-list", "removed", "failed")

CLIENT_TURNS: Mapping[tuple[str, str], str] = {
    ("new", "hello"): "greeting",
    ("greeted", "authenticate"): "authenticating",
    ("ready", "authenticate"): "authenticating",
    ("asked", "answer"): "authenticating",
    ("questioned", "answer"): "working",
    ("greeted", "goodbye"): "over",
    ("ready", "goodbye"): "over",
    **{("ready", request): "working" for request in REQUESTS},
}

HOST_TURNS: Mapping[tuple[str, str], str] = {
    ("new", "failed"): "over",  # too many connections, before a word was said
    ("greeting", "welcome"): "greeted",
    ("greeting", "failed"): "over",
    ("greeted", "authenticated"): "ready",  # on the local socket: by the peer's credentials
    ("greeted", "failed"): "over",
    ("authenticating", "prompt"): "asked",
    ("authenticating", "authenticated"): "ready",
    ("authenticating", "failed"): "greeted",
    ("asked", "failed"): "over",  # a deadline passed
    ("working", "prompt"): "questioned",
    ("questioned", "failed"): "over",
    ("working", "attached"): "relaying",
    ("relaying", "released"): "ready",
    ("ready", "failed"): "over",  # the host gives up: unavailable, protocol, internal
    ("relaying", "failed"): "over",  # the same, after the session's stream has ended
    **{("working", result): "ready" for result in RESULTS},
}

# What a client and a session say to each other while attached: no turns, both speak freely.
SESSION_REQUESTS = frozenset({"run", "cancel", "commands", "detach", "close", "ping"})
SESSION_ANSWERS = frozenset(
    {"started", "exited", "failed", "command-list", "closing", "detached", "pong"}
)

# How many prompts one conversation may have; PAM stacks ask three or four times at most.
MAX_PROMPTS = 16


class Turn:
    """The state of one conversation. `state` is one of the names in the two tables."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = "new"

    def client_says(self, type_: str) -> None:
        """Note a client's message. ProtocolProblem if it is not its turn to say that."""
        self._advance(CLIENT_TURNS, type_)

    def host_says(self, type_: str) -> None:
        """Note a host's message. ProtocolProblem if it is not its turn to say that."""
        self._advance(HOST_TURNS, type_)

    def _advance(self, turns: Mapping[tuple[str, str], str], type_: str) -> None:
        following = turns.get((self.state, type_))
        if following is None:
            raise ProtocolProblem(f"{type_} out of turn (the conversation is {self.state})")
        self.state = following
