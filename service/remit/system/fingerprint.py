"""The fingerprint of a host: of its public key, so that it outlives the yearly new certificate.

The key's part of the certificate is hashed, as `openssl x509 -pubkey | openssl pkey -pubin
-outform der | openssl sha256 -binary | base64` would. Sources: RFC 5280 (4.1), RFC 7469 (2.4).
"""

from __future__ import annotations

import binascii
import hashlib

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _VERSION = 0x30, 0xA0
_FIELDS_BEFORE_KEY = 5  # serial number, signature algorithm, issuer, validity, subject


def fingerprint(certificate: bytes) -> str:
    """`SHA256:` and the unpadded base64 of the digest of the public key, of a certificate in DER.

    ValueError if that is no certificate.
    """
    digest = hashlib.sha256(public_key(certificate)).digest()
    return "SHA256:" + binascii.b2a_base64(digest, newline=False).decode().rstrip("=")


def read_fingerprint(path: str) -> str:
    """The fingerprint of the first certificate in a PEM file. OSError or ValueError."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    start, end = text.find(_BEGIN), text.find(_END)
    if not 0 <= start < end:
        raise ValueError(f"{path}: found no certificate, expected one in PEM form")
    return fingerprint(binascii.a2b_base64(text[start + len(_BEGIN) : end]))


def public_key(certificate: bytes) -> bytes:
    """The subjectPublicKeyInfo, in DER, of a certificate in DER."""
    outer = _content(certificate, 0, _SEQUENCE)
    signed = _content(certificate, outer[0], _SEQUENCE)
    position = signed[0]
    if position < signed[1] and certificate[position] == _VERSION:
        position = _element(certificate, position)[1]
    for _ in range(_FIELDS_BEFORE_KEY):
        position = _element(certificate, position)[1]
    _content(certificate, position, _SEQUENCE)
    end = _element(certificate, position)[1]
    if end > signed[1]:
        raise ValueError("a certificate whose fields reach beyond its end")
    return certificate[position:end]


def _content(data: bytes, position: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `position` begins and ends."""
    start, end = _element(data, position)
    if data[position] != tag:
        raise ValueError(f"no certificate: tag {data[position]:#x} in place of {tag:#x}")
    return start, end


def _element(data: bytes, position: int) -> tuple[int, int]:
    """The same for an element of any tag; DER's lengths, of at most 3 bytes here."""
    if position + 2 > len(data):
        raise ValueError("a certificate that ends too early")
    length, start = data[position + 1], position + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 3 or start + size > len(data):
            raise ValueError("a certificate with a length that cannot be")
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("a certificate that ends too early")
    return start, start + length
