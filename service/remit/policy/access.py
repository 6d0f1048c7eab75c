"""Who is admitted to an endpoint, and with which roles: a decision that is a value.

Owns the order of the rules of [access] and [roles]. Does not authenticate anybody: the caller is
one whom remitd has already identified, with the groups that the host gives him now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from remit.policy import value
from remit.policy.endpoint import EVERYONE, Endpoint
from remit.policy.value import Network


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user of the host; `groups` are names, the primary group's among them."""

    user: str
    uid: int
    home: str
    groups: frozenset[str]

    @property
    def place(self) -> str:
        """The home directory in its plain form, / if the host names none."""
        return self.home.rstrip("/") or "/"

    def is_one_of(self, principals: Iterable[str]) -> bool:
        """Whether any of the users, @groups or `*` stands for this caller."""
        return any(self._is(principal) for principal in principals)

    def _is(self, principal: str) -> bool:
        if principal.startswith("@"):
            return principal[1:] in self.groups
        return principal in (EVERYONE, self.user)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The caller may use the endpoint, with these roles, in the order in which they count."""

    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """The caller may not; the reason is for the journal, never for the caller."""

    reason: str


def admit(endpoint: Endpoint, caller: Caller, address: str | None) -> Admitted | NotAdmitted:
    """Decide on a caller who comes from an IP address, or from this host itself (None).

    The first rule that refuses counts: enabled, where from, deny, allow, and that a role matches.
    """
    access = endpoint.access
    if not _is_usable(caller):
        return NotAdmitted("the user's name or home directory is of an unusable form")
    if not access.enabled:
        return NotAdmitted("the endpoint is not enabled")
    if address is None and access.local == "no":
        return NotAdmitted("the endpoint is not for users on this host (access.local)")
    if address is not None and access.networks and not _is_within(address, access.networks):
        return NotAdmitted("the address is in no network of access.from")
    if caller.is_one_of(access.deny):
        return NotAdmitted("denied by access.deny")
    if not caller.is_one_of(_allowed(endpoint)):
        where = "[roles]" if access.allow is None else "access.allow"
        return NotAdmitted(f"not named in {where}")
    roles = _roles(endpoint, caller)
    return Admitted(roles) if roles else NotAdmitted("no role for this user in [roles]")


def _is_usable(caller: Caller) -> bool:
    """Name and home may become parts of paths and arguments: `..` and the like must not."""
    try:
        value.absolute_path(caller.place)
        return value.account(caller.user) not in (".", "..") and caller.place.startswith("/")
    except value.Unfit:
        return False


def _allowed(endpoint: Endpoint) -> Iterable[str]:
    if endpoint.access.allow is not None:
        return endpoint.access.allow
    return (principal for principal in endpoint.roles if principal != EVERYONE)


def _roles(endpoint: Endpoint, caller: Caller) -> tuple[str, ...]:
    matching = (
        role
        for principal, roles in endpoint.roles.items()
        if caller.is_one_of((principal,))
        for role in roles
    )
    return tuple(dict.fromkeys(matching))


def _is_within(address: str, networks: Iterable[Network]) -> bool:
    """An address that cannot be read is in no network; one mapped into IPv6 counts as IPv4."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
