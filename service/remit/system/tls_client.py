"""TLS as a client: 1.3 or nothing, verified by authorities or shown for its fingerprint.

Owns Python's ssl on the client's side; `import ssl` is the dearest import of a client, so this
module is imported only for a remote host. Does not decide whom to trust.
"""

from __future__ import annotations

import socket
import ssl

RECORD = 16384  # the largest piece of plaintext in one TLS record (RFC 8446, 5.1)

Tls = ssl.SSLSocket


class Unverified(OSError):
    """The chain or the name did not verify; the text is OpenSSL's reason."""


class NotTls(OSError):
    """What answered does not speak TLS 1.3; the text says what it did."""


class Unreadable(OSError):
    """The file of authorities cannot be used."""


def handshake(
    connection: socket.socket, host: str, verify: bool = False, authorities: str = ""
) -> Tls:
    """Take the connection over for TLS. It must have a timeout, which ends in TimeoutError.

    With `verify` the certificate must be good for `host` by the file `authorities` (PEM) or, if
    that is empty, by the system's; otherwise any certificate passes and the caller must look at
    its fingerprint before it says anything. `host` is ASCII.

    Raises Unverified, NotTls, Unreadable, OSError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if verify:
        _load_authorities(context, authorities)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        # Bytes, because text would be taken through IDNA, whose tables are dear to load.
        return context.wrap_socket(connection, server_hostname=host.encode())
    except ssl.SSLCertVerificationError as error:
        raise Unverified(error.verify_message) from error
    except ssl.SSLError as error:
        raise NotTls(_describe(error)) from error


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    if not path:
        return context.set_default_verify_paths()
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise Unreadable("no certificates in PEM form are in it") from error
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _describe(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "it does not speak TLS"
    if reason in ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"):
        return "it does not offer TLS 1.3"
    if isinstance(error, ssl.SSLEOFError):
        return "it closed the connection during the TLS handshake"
    return f"the TLS handshake failed ({reason.lower().replace('_', ' ') or 'no reason given'})"


def certificate_of(tls: Tls) -> bytes:
    """The peer's certificate, in DER."""
    return tls.getpeercert(binary_form=True) or b""  # TLS 1.3 servers always have one


def receive_into(tls: Tls, space: memoryview) -> int:
    """Fill as much of `space` as is there now: bytes, 0 at the end, -1 for nothing now.

    A peer that closes without a close_notify ends the stream like one with it: frames and
    `exited` say whether it was complete.
    """
    received = 0
    try:
        while received < len(space):
            size = tls.recv_into(space[received:])
            received += size
            if size < RECORD:  # most likely nothing more; poll will tell, without an exception
                return received
    except ssl.SSLWantReadError:
        return received or -1
    except ssl.SSLEOFError:
        return received
    return received


def send(tls: Tls, data: bytes | bytearray | memoryview) -> int:
    """Send what the connection takes now; the number of bytes, 0 for nothing now.

    ConnectionError if it takes nothing any more.
    """
    try:
        return tls.send(data)
    except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
        return 0
    except ssl.SSLError as error:
        raise ConnectionAbortedError(_describe(error)) from error
