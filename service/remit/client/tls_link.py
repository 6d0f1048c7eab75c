"""The link to a remote host: TLS on TCP."""

from __future__ import annotations

from remit.client.link import Link
from remit.system import tls_client


class TlsLink(Link):
    """A TLS connection after its handshake, with a certificate that has been accepted."""

    def __init__(self, tls: tls_client.Tls) -> None:
        super().__init__(tls)
        self._tls = tls

    def receive_into(self, space: memoryview) -> int:
        return tls_client.receive_into(self._tls, space)

    def send(self, data: bytes | bytearray | memoryview) -> int:
        return tls_client.send(self._tls, data)

    def has_received(self) -> bool:
        return self._tls.pending() > 0
