"""The gate's numbers and places; the defaults are what a host uses.

Only tests choose others, in the process that they start: nothing here is read from the network.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of the gate strangers may take. Penalties are seconds that a source owes."""

    connections: int = 4096
    strangers: int = 64  # one more takes the place of another
    strangers_per_source: int = 8
    strangers_per_network: int = 16
    sources: int = 10_000  # remembered for their penalties
    tolerated: float = 30.0  # seconds owed at which a source is refused
    longest: float = 600.0  # the most that a source can owe
    rent: float = 0.5  # seconds owed for each that a connection lasted without authentication


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that a stranger has for each step; none applies after `authenticated`."""

    handshake: float = 10.0
    hello: float = 10.0
    authentication: float = 60.0  # from the accept to `authenticated`, answers to prompts included
    crowded: float = 15.0  # for each answer, while strangers have more than half of their places


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. The administrator's certificate, if there is one, comes first."""

    backend: str = "/run/remit/gate.sock"
    administrators: str = "/etc/remit/tls"
    state: str = "/var/lib/remit-gate"
    caps: Caps = Caps()
    deadlines: Deadlines = Deadlines()
