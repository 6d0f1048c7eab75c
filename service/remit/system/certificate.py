"""The host's own certificate: making one and its key.

Owns cryptography, which is loaded only to make one (10 MB that the gate need not keep otherwise).
Writes no files, does not decide when one is made, and does not serve with it (tls.py).
"""

from __future__ import annotations

import datetime

DAYS = 365
_EARLY = datetime.timedelta(days=1)  # for clients whose clock is behind
_MOST_OF_A_NAME = 64  # characters in a common name (RFC 5280, ub-common-name)


def new_key() -> bytes:
    """A private key in PEM form: ECDSA P-256, not encrypted."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def new_certificate(key: bytes, host: str, days: int = DAYS) -> bytes:
    """A certificate in PEM form for `host`, signed by its own key (PEM), good for `days` from now.

    ValueError if that is no ECDSA key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("found another kind of key, expected ECDSA")
    common = x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, host[:_MOST_OF_A_NAME] or "remit")
    name = x509.Name([common])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
    )
    if host.isascii() and host:
        alternative = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
