"""Whether a host is the one it should be, before a single word is said to it.

Owns the order: a fingerprint that is demanded, alone; else a pin, which nothing overrules but
authorities that are named; else the authorities; else the person is asked, once. Does not say
anything to the host but TLS.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from remit.client.known_hosts import KnownHosts, Pin
from remit.client.link import open_tcp
from remit.client.target import Address
from remit.client.tls_link import TlsLink
from remit.system import tls_client
from remit.system.fingerprint import fingerprint as fingerprint_of
from remit.wire.problem import Problem

CONNECT_SECONDS = 15.0  # for TCP, and again for TLS

# Asked at a first meeting, with the fingerprint and why no authority helps: accepted, not
# accepted, or nobody there to ask.
Question = Callable[[Address, str, str], bool | None]


class Trust:
    """How to know a host: `fingerprint` demands one, `authorities` names a PEM file in place of
    the system's, `ask` is asked at a first meeting; without it that is refused."""

    def __init__(
        self,
        known: KnownHosts,
        fingerprint: str = "",
        authorities: str = "",
        ask: Question | None = None,
    ) -> None:
        self._known = known
        self._fingerprint = fingerprint
        self._authorities = authorities
        self._ask = ask

    def open(self, address: Address) -> TlsLink:
        """A connection to a host whose certificate is good. Problem."""
        if self._fingerprint:
            return self._open_demanded(address)
        if (pin := self._known.find(address)) is not None:
            return self._open_pinned(address, pin)
        try:
            return TlsLink(_connect(address, True, self._authorities))
        except tls_client.Unverified as error:
            self._meet(address, str(error))
        return self.open(address)

    def look(self, address: Address) -> str:
        """The fingerprint of whatever answers there. Problem."""
        tls = _connect(address, False)
        try:
            return _shown(tls)
        finally:
            tls.close()

    def _open_demanded(self, address: Address) -> TlsLink:
        tls = _connect(address, False)
        found = _shown(tls)
        if found != self._fingerprint:
            tls.close()
            raise Problem("untrusted", mismatch(address, found, self._fingerprint))
        return TlsLink(tls)

    def _open_pinned(self, address: Address, pin: Pin) -> TlsLink:
        tls = _connect(address, False)
        found = _shown(tls)
        if found == pin.fingerprint:
            return TlsLink(tls)
        tls.close()
        if self._authorities:
            try:
                return TlsLink(_connect(address, True, self._authorities))
            except tls_client.Unverified:
                pass
        raise Problem("untrusted", _changed(address, found, pin))

    def _meet(self, address: Address, reason: str) -> None:
        """Have the person accept a host for good, or raise Problem."""
        found = self.look(address)
        accepted = self._ask(address, found, reason) if self._ask else None
        if accepted is None:
            raise Problem("untrusted", _unknown(address, found, reason))
        if not accepted:
            raise Problem("untrusted", f"{address} is not trusted; nothing was sent to it")
        self._known.put(address, found)


def _shown(tls: tls_client.Tls) -> str:
    """The fingerprint of the key that the host has just proved to hold."""
    try:
        return fingerprint_of(tls_client.certificate_of(tls))
    except ValueError as error:
        tls.close()
        raise Problem("untrusted", f"the host's certificate cannot be read: {error}") from None


def _connect(address: Address, verify: bool, authorities: str = "") -> tls_client.Tls:
    try:
        connection = open_tcp(address.host, address.port, CONNECT_SECONDS)
    except OSError as error:
        raise Problem("unavailable", _unreachable(address, error)) from error
    try:
        return tls_client.handshake(connection, address.host, verify, authorities)
    except tls_client.Unverified:
        connection.close()
        raise
    except tls_client.Unreadable as error:
        connection.close()
        raise Problem("untrusted", f"--ca: {authorities}: {error}") from error
    except tls_client.NotTls as error:
        connection.close()
        raise Problem("unavailable", _not_remit(address, str(error))) from error
    except OSError as error:
        connection.close()
        raise Problem("unavailable", _not_remit(address, _reason(error))) from error


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:.0f} s"
    return error.strerror or str(error) or type(error).__name__


def _unreachable(address: Address, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"{address.host} is not found: {_reason(error)}; expected the name of a host"
    return (
        f"cannot connect to {address}: {_reason(error)}; "
        "expected a remit host there (is remit-gate.socket running?)"
    )


def _not_remit(address: Address, what: str) -> str:
    return f"{address}: {what}; expected a remit host there (is the port right?)"


def mismatch(address: Address, found: str, expected: str) -> str:
    return (
        f"{address} is not the host you meant; nothing was sent to it\n"
        f"  its certificate is {found}\n"
        f"  you expected       {expected}"
    )


def _unknown(address: Address, found: str, reason: str) -> str:
    return (
        f"{address} is not known here, and there is no terminal to ask you on\n"
        f"  its certificate is {found} ({reason})\n"
        f"  if that is what `remitctl status` shows on the host, do this once:\n"
        f"  remit trust {address} --fingerprint {found}"
    )


def _changed(address: Address, found: str, pin: Pin) -> str:
    return (
        f"THE CERTIFICATE OF {address} HAS CHANGED; nothing was sent to it\n"
        f"  its certificate is {found}\n"
        f"  it was             {pin.fingerprint} ({pin.where})\n"
        "  Either somebody is answering in its place, or the host has a new key.\n"
        f"  If `remitctl status` on the host shows the new one, do this once:\n"
        f"  remit trust {address} --fingerprint {found}"
    )
