"""Structured entries for the journal, over its native socket.

Source: systemd.io/JOURNAL_NATIVE_PROTOCOL. Owns the framing; knows nothing of events.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

SOCKET = "/run/systemd/journal/socket"
MAX_ENTRY = 128 * 1024  # bytes; below any datagram limit, so that no memfd is needed


class Journal:
    """A sender of entries. A journal that cannot be reached loses them: the caller goes on."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def close(self) -> None:
        self._socket.close()

    def send(self, fields: Mapping[str, str]) -> bool:
        """Send one entry; False if the journal did not take it."""
        try:
            self._socket.sendto(encode_entry(fields), self._path)
        except OSError:
            return False
        return True


def encode_entry(fields: Mapping[str, str]) -> bytes:
    """The datagram of an entry; values are cut so that all of it stays below MAX_ENTRY."""
    each = MAX_ENTRY // max(1, len(fields)) - 64
    return b"".join(_encode_field(key, value, each) for key, value in fields.items())


def _encode_field(key: str, value: str, limit: int) -> bytes:
    content = value.encode(errors="backslashreplace")[:limit]
    if b"\n" not in content:
        return key.encode() + b"=" + content + b"\n"
    return key.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"
