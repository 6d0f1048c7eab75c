"""TLS as a server: 1.3 or nothing, on sockets that never block.

Owns Python's ssl on the host's side. Where a call cannot go on it raises BlockingIOError, or
WantsWrite when the socket must first become writable; every other failure is an OSError. Does not
wait: readiness is the caller's affair.
"""

from __future__ import annotations

import os
import socket
import ssl

Context = ssl.SSLContext

RECORD = 16 * 1024  # the most plaintext in one TLS record (RFC 8446, 5.1)

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python does not name


class WantsWrite(BlockingIOError):
    """A read or a handshake that needs to send first."""


def server_context(certificate: str, key: str) -> Context:
    """A context for accepting connections. OSError if the files are missing or do not match."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # nothing is resumed, and nothing is sent unasked after the handshake
    context.load_cert_chain(certificate, key)
    return context


class NotTls(OSError):
    """The peer does not speak TLS 1.3; the text says what it did, none of it in its own words."""


class TlsConnection:
    """TLS over an accepted socket, which it owns from here on."""

    def __init__(self, accepted: socket.socket, context: Context) -> None:
        accepted.setblocking(False)
        self._tls = context.wrap_socket(
            accepted, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )

    def fileno(self) -> int:
        return self._tls.fileno()

    def handshake(self) -> None:
        """Go on with the handshake; done when it returns. NotTls, or OSError if the peer left."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:
            raise WantsWrite from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise ConnectionResetError from None
        except ssl.SSLError as error:
            raise NotTls(describe(error)) from error

    def receive_into(self, space: memoryview) -> int:
        """One record's bytes; 0 at the end, whether it was announced or not.

        `space` must hold RECORD bytes: what does not fit would wait where no poll sees it.
        """
        try:
            return self._tls.recv_into(space)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:
            raise WantsWrite from None

    def send(self, data: bytes | memoryview) -> int:
        """Send what fits. After BlockingIOError the next call must begin with the same bytes."""
        try:
            return self._tls.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def finish(self) -> None:
        """Say that nothing more will be sent; the peer's last words can still arrive."""
        try:
            self._tls.unwrap()
        except (OSError, ValueError):
            pass  # it waits for the peer's own end, or there is nothing to end
        try:
            self._tls.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def discard(self, size: int) -> int:
        """Take bytes off the socket without looking at them; 0 at the end."""
        return len(os.read(self._tls.fileno(), size))

    def hang_up(self) -> None:
        """Let both directions end: whoever uses the connection finds that out, and closes it."""
        try:
            socket.socket.shutdown(self._tls, socket.SHUT_RDWR)  # its own would forget its TLS
        except OSError:
            pass

    def close(self) -> None:
        """End the connection for both sides, even where another process holds the socket."""
        try:
            self._tls.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._tls.close()


def describe(error: OSError) -> str:
    """What a failed connection was, for the journal; none of the peer's own words."""
    if not isinstance(error, ssl.SSLError):
        return error.strerror or type(error).__name__
    match error.reason:
        case "HTTP_REQUEST" | "HTTPS_PROXY_REQUEST":
            return "it spoke plain HTTP, expected TLS 1.3"
        case "UNSUPPORTED_PROTOCOL" | "VERSION_TOO_LOW":
            return "it offered an older TLS, expected TLS 1.3"
        case "WRONG_VERSION_NUMBER" | "PACKET_LENGTH_TOO_LONG" | "RECORD_LAYER_FAILURE":
            return "it did not speak TLS"
        case reason:
            return f"TLS failed: {(reason or 'closed').lower().replace('_', ' ')}"


def expires_at(certificate: str, key: str) -> float:
    """When the certificate ends, in seconds since the epoch, as a client would see it.

    A handshake in memory: it shows too that key and certificate serve together. OSError if not.
    """
    host, client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context(certificate, key).wrap_bio(client, host, server_side=True)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.load_verify_locations(cafile=certificate)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    peer = trusting.wrap_bio(host, client)
    for side in (peer, server, peer):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    end = (peer.getpeercert() or {})["notAfter"]
    return float(ssl.cert_time_to_seconds(str(end)))
