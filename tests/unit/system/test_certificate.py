"""Certificates of our own, looked at with openssl(1) and with Python's ssl."""

from __future__ import annotations

import ssl
import subprocess
import time
from pathlib import Path

import pytest

from remit.system import tls
from remit.system.certificate import new_certificate, new_key

DAY = 86400


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    key.write_bytes(new_key())
    cert.write_bytes(new_certificate(key.read_bytes(), "web1.example"))
    return str(cert), str(key)


def openssl(*arguments: str) -> str:
    command = ["openssl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_is_what_was_promised(pair: tuple[str, str]) -> None:
    text = openssl("x509", "-noout", "-text", "-in", pair[0])
    assert "NIST CURVE: P-256" in text
    assert "ecdsa-with-SHA256" in text
    assert "DNS:web1.example" in text
    assert "CA:FALSE" in text
    assert "TLS Web Server Authentication" in text


def test_lasts_a_year_and_began_before_the_clocks_of_others(pair: tuple[str, str]) -> None:
    now = time.time()
    assert abs(tls.expires_at(*pair) - now - 365 * DAY) < 60
    begun = openssl("x509", "-noout", "-startdate", "-in", pair[0]).strip().partition("=")[2]
    assert ssl.cert_time_to_seconds(begun) < now - DAY / 2


def test_expiry_of_an_expired_one_can_be_read(pair: tuple[str, str]) -> None:
    old = new_certificate(Path(pair[1]).read_bytes(), "web1.example", days=0)
    Path(pair[0]).write_bytes(old)
    assert tls.expires_at(*pair) <= time.time()


@pytest.mark.parametrize("host", ["localhost", "x" * 70, "", "höst"])
def test_any_host_name_will_do(host: str, tmp_path: Path) -> None:
    key = new_key()
    (tmp_path / "k").write_bytes(key)
    (tmp_path / "c").write_bytes(new_certificate(key, host))
    assert tls.expires_at(str(tmp_path / "c"), str(tmp_path / "k")) > time.time()


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    openssl("genrsa", "-out", str(tmp_path / "rsa.pem"), "2048")
    with pytest.raises(ValueError, match="expected ECDSA"):
        new_certificate((tmp_path / "rsa.pem").read_bytes(), "web1.example")


def test_a_key_that_does_not_fit_is_an_error(pair: tuple[str, str], tmp_path: Path) -> None:
    Path(pair[1]).write_bytes(new_key())
    with pytest.raises(OSError, match=r"(?i)mismatch"):
        tls.expires_at(*pair)
