"""Fingerprints: of the public key, as openssl sees it, and of nothing that is no certificate."""

from __future__ import annotations

import base64
import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.system.certificate import new_certificate, new_key
from remit.system.fingerprint import fingerprint, public_key, read_fingerprint


def openssl(*words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def key_digest(certificate: Path) -> str:
    """What RFC 7469 would pin, by openssl's own reading of the certificate."""
    key = openssl("x509", "-pubkey", "-noout", "-in", str(certificate))
    octets = openssl("pkey", "-pubin", "-outform", "der", given=key)
    return base64.b64encode(hashlib.sha256(octets).digest()).decode().rstrip("=")


def made_by_openssl(directory: Path, *words: str) -> Path:
    path = directory / "cert.pem"
    request = ["req", "-x509", "-nodes", "-subj", "/CN=web1", "-keyout", f"{directory}/key.pem"]
    openssl(*request, "-out", str(path), *words)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        ("-newkey", "rsa:2048"),
        ("-newkey", "rsa:4096", "-days", "3650"),
        ("-newkey", "ed25519"),
        ("-newkey", "ed25519", "-set_serial", "0x" + "7f" * 20),
    ],
)
def test_it_is_that_of_openssl_for_any_key(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = made_by_openssl(tmp_path, *words)
    assert read_fingerprint(str(path)) == f"SHA256:{key_digest(path)}"


def test_a_new_certificate_for_the_same_key_keeps_it_and_another_key_does_not() -> None:
    key = new_key()
    first, second = (
        ssl.PEM_cert_to_DER_cert(new_certificate(key, "web1", days).decode()) for days in (1, 365)
    )
    other = ssl.PEM_cert_to_DER_cert(new_certificate(new_key(), "web1").decode())
    assert first != second
    assert fingerprint(first) == fingerprint(second) != fingerprint(other)


def test_of_a_chain_it_is_that_of_the_first(tmp_path: Path) -> None:
    own, chain = new_certificate(new_key(), "web1"), tmp_path / "chain.pem"
    chain.write_bytes(b"issued for web1\n" + own + new_certificate(new_key(), "authority"))
    assert read_fingerprint(str(chain)) == fingerprint(ssl.PEM_cert_to_DER_cert(own.decode()))


def test_a_file_without_a_certificate_has_none(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    with pytest.raises(ValueError, match="found no certificate"):
        read_fingerprint(str(tmp_path / "cert.pem"))


CERTIFICATE = ssl.PEM_cert_to_DER_cert(new_certificate(new_key(), "web1").decode())


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_one_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        public_key(data)


@given(st.integers(0, len(CERTIFICATE) - 1))
def test_a_certificate_cut_short_is_one_error(length: int) -> None:
    with pytest.raises(ValueError):
        public_key(CERTIFICATE[:length])


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_an_error_or_another_key_but_no_crash(
    position: int, value: int
) -> None:
    damaged = CERTIFICATE[:position] + bytes([value]) + CERTIFICATE[position + 1 :]
    try:
        assert len(public_key(damaged)) <= len(damaged)
    except ValueError:
        return
