"""Who may connect now: caps in all, for each source and each network, and penalties for sources.

Pure bookkeeping: the caller tells the time and closes what is refused. A source is an IPv4
address or an IPv6 network of 64 bits, which is the least that one customer gets; a network is what
many customers get, 56 bits of IPv6.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable

from remit.gateway.settings import Caps

# Seconds that a source owes for each of these. With PAM's own delay of about two seconds a person
# who mistypes hardly notices; a machine that guesses is held to one try in three seconds.
PENALTIES = {"denied": 3.0, "protocol": 3.0, "timeout": 5.0, "left": 1.0}


def source_of(address: str) -> str:
    """What an address counts as; an IPv4 address that is mapped into IPv6 counts as itself."""
    return _group(address, 64)


def network_of(address: str) -> str:
    """What its source counts to besides; of IPv4 the address itself."""
    return _group(address, 56)


def _group(address: str, bits: int) -> str:
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), bits), strict=False))


class Place:
    """A connection that is counted. `hang_up` ends it at once, if somebody else needs the place."""

    def __init__(self, address: str, hang_up: Callable[[], None]) -> None:
        self.source = source_of(address)
        self.network = network_of(address)
        self.hang_up = hang_up


class Admission:
    """Counts connections: strangers until they have authenticated, everybody until they leave."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._strangers: dict[Place, None] = {}  # those who came first, first
        self._owed: dict[str, float] = {}  # source -> when it owes nothing; last punished last
        self.connections = 0

    @property
    def strangers(self) -> int:
        return len(self._strangers)

    def is_crowded(self) -> bool:
        """Whether strangers have so many places that they must hurry."""
        return self.strangers > self._caps.strangers // 2

    def enter(self, place: Place, now: float) -> str:
        """Count a new connection of a stranger; or the reason why it is refused and not counted.

        Where strangers have all their places, one of them loses his.
        """
        if refusal := self._refusal(place, now):
            return refusal
        if self.strangers >= self._caps.strangers:
            displaced = self._most_dispensable(now)
            del self._strangers[displaced]
            displaced.hang_up()
        self.connections += 1
        self._strangers[place] = None
        return ""

    def recognize(self, place: Place) -> None:
        """A stranger has authenticated."""
        self._strangers.pop(place, None)

    def leave(self, place: Place) -> None:
        """A connection that was counted has ended."""
        self.connections -= 1
        self._strangers.pop(place, None)

    def punish(self, source: str, seconds: float, now: float) -> None:
        """Let a source owe so much more; the one punished longest ago is forgotten where there
        are too many."""
        free = max(self._owed.pop(source, now), now) + seconds
        self._owed[source] = min(free, now + self._caps.longest)
        if len(self._owed) > self._caps.sources:
            del self._owed[next(iter(self._owed))]

    def debt_of(self, source: str, now: float) -> float:
        """Seconds until a source owes nothing, if nothing is added."""
        return max(0.0, self._owed.get(source, 0.0) - now)

    def _refusal(self, place: Place, now: float) -> str:
        caps = self._caps
        if self.debt_of(place.source, now) > caps.tolerated:
            return "too many failures from this address"
        if self._count(source=place.source) >= caps.strangers_per_source:
            return "too many connections from this address that are not authenticated"
        if self._count(network=place.network) >= caps.strangers_per_network:
            return "too many connections from this network that are not authenticated"
        if self.connections >= caps.connections:
            return "too many connections"
        return ""

    def _most_dispensable(self, now: float) -> Place:
        """Of the network with the most strangers, of those the source that owes most, the oldest:
        whoever fills the gate displaces himself."""
        crowds = Counter(each.network for each in self._strangers)
        return max(
            self._strangers, key=lambda each: (crowds[each.network], self.debt_of(each.source, now))
        )

    def _count(self, source: str = "", network: str = "") -> int:
        return sum(each.source == source or each.network == network for each in self._strangers)
