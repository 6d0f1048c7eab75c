"""The certificate that the gate serves with: the administrator's, or one that it makes and renews.

Owns the choice and the files in the gate's state directory. A pair that has become unusable is
reported and the one in use stays.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from remit.gateway.log import ERROR, NOTICE, WARNING, Log
from remit.gateway.settings import Settings
from remit.system import certificate, tls
from remit.system.fingerprint import read_fingerprint
from remit.system.storage import write_whole

RENEWAL = 30 * 86400.0  # seconds before its end that our own certificate is made anew


class Identity:
    """Where key and certificate are, and when they were last loaded."""

    def __init__(self, settings: Settings, log: Log, host: str) -> None:
        self._administrators = Path(settings.administrators)
        self._own = Path(settings.state)
        self._log = log
        self._host = host
        self._loaded: tuple[tuple[Path, int, int], ...] = ()

    def load(self) -> tls.Context:
        """A context to serve with; makes our own pair if there is none and renews it when due.

        OSError or ValueError if the pair cannot be read or does not fit together.
        """
        cert, key = self._pair()
        versions = _versions(cert, key)
        context = tls.server_context(str(cert), str(key))
        left = tls.expires_at(str(cert), str(key)) - time.time()
        if versions != self._loaded:
            fingerprint = read_fingerprint(str(cert))
            self._log.write(NOTICE, f"serving {cert}, {fingerprint}")
        if left < RENEWAL:
            self._log.write(WARNING, f"{cert} expires in {left / 86400:.0f} days")
        self._loaded = versions
        return context

    def reload(self) -> tls.Context | None:
        """As load, but what is wrong is only reported."""
        try:
            return self.load()
        except (OSError, ValueError) as error:
            self._log.write(ERROR, f"the certificate in use stays; loading it again: {error}")
            return None

    def _pair(self) -> tuple[Path, Path]:
        """Certificate and key. One of an administrator's files alone is his mistake, not a no."""
        given = self._administrators / "cert.pem", self._administrators / "key.pem"
        if any(map(os.path.lexists, given)):
            return given
        own = self._own / "cert.pem", self._own / "key.pem"
        self._prepare(*own)
        return own

    def _prepare(self, cert: Path, key: Path) -> None:
        if not key.exists():
            write_whole(key, certificate.new_key(), 0o600)
        elif cert.exists() and tls.expires_at(str(cert), str(key)) - time.time() > RENEWAL:
            return
        write_whole(cert, certificate.new_certificate(key.read_bytes(), self._host), 0o644)


def _versions(*files: Path) -> tuple[tuple[Path, int, int], ...]:
    found = [(path, path.stat()) for path in files]
    return tuple((path, stat.st_mtime_ns, stat.st_ino) for path, stat in found)
