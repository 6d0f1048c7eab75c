"""Who may connect now: caps in all and for each source, and penalties for sources that misbehave.

Pure bookkeeping: the caller tells the time and closes what is refused. A source is an IPv4
address or an IPv6 network of 64 bits, which is the least that one customer gets.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

from remit.gateway.settings import Caps

# Seconds that a source owes for each of these. With PAM's own delay of about two seconds a person
# who mistypes hardly notices; a machine that guesses is held to one try in three seconds.
PENALTIES = {"denied": 3.0, "protocol": 3.0, "timeout": 5.0, "left": 1.0}


def source_of(address: str) -> str:
    """What an address counts as; an IPv4 address that is mapped into IPv6 counts as itself."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))


class Admission:
    """Counts connections: strangers until they have authenticated, everybody until they leave."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._strangers: Counter[str] = Counter()
        self._owed: dict[str, float] = {}  # source -> when it owes nothing; last punished last
        self.connections = 0
        self.strangers = 0

    def enter(self, source: str, now: float) -> str:
        """Count a new connection of a stranger; or the reason why it is refused and not counted."""
        if self._owed.get(source, 0.0) - now > self._caps.tolerated:
            return "too many failures from this address"
        if self._strangers[source] >= self._caps.strangers_per_source:
            return "too many connections from this address that are not authenticated"
        if self.strangers >= self._caps.strangers:
            return "too many connections that are not authenticated"
        if self.connections >= self._caps.connections:
            return "too many connections"
        self.connections += 1
        self.strangers += 1
        self._strangers[source] += 1
        return ""

    def recognize(self, source: str) -> None:
        """A stranger has authenticated."""
        self.strangers -= 1
        self._strangers[source] -= 1
        if not self._strangers[source]:
            del self._strangers[source]

    def leave(self, source: str, stranger: bool) -> None:
        """A connection that was counted has ended."""
        self.connections -= 1
        if stranger:
            self.recognize(source)

    def punish(self, source: str, offence: str, now: float) -> None:
        """Let a source owe for an offence of PENALTIES; the one punished longest ago is forgotten
        where there are too many."""
        free = max(self._owed.pop(source, now), now) + PENALTIES[offence]
        self._owed[source] = min(free, now + self._caps.longest)
        if len(self._owed) > self._caps.sources:
            del self._owed[next(iter(self._owed))]
