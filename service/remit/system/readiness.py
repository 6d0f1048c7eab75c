"""Telling systemd how this process does, without a library: the worker cannot afford one.

Source: sd_notify(3), sd_watchdog_enabled(3). The daemons use sdnotify.
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, socket
from collections.abc import MutableMapping


class Readiness:
    """The way to the service manager; says nothing where there is none."""

    __slots__ = ("_socket", "interval")

    def __init__(self, address: str, interval: float) -> None:
        """`interval`: seconds between two signs of life, 0 if none are expected."""
        self.interval = interval
        self._socket: socket | None = None
        if address:
            self._socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
            self._socket.setblocking(False)
            try:
                self._socket.connect("\0" + address[1:] if address[0] == "@" else address)
            except OSError:
                self.close()
                raise

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> Readiness:
        """Takes the variables out of the environment. OSError if the address leads nowhere."""
        address = environment.pop("NOTIFY_SOCKET", "")
        microseconds = environment.pop("WATCHDOG_USEC", "")
        pid = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
        expected = microseconds.isascii() and microseconds.isdigit() and pid == str(os.getpid())
        return cls(address, int(microseconds) / 2_000_000 if expected else 0.0)

    def say_ready(self) -> None:
        self._send(b"READY=1")

    def say_alive(self) -> None:
        self._send(b"WATCHDOG=1")

    def say_stopping(self) -> None:
        self._send(b"STOPPING=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, words: bytes) -> None:
        if self._socket is not None:
            try:
                self._socket.send(words)
            except OSError:  # the manager is being executed again; the next beat reaches it
                pass
