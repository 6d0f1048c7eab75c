"""Telling systemd how a daemon does, through sdnotify; says nothing where nobody asks.

Source: sd_notify(3), sd_watchdog_enabled(3). For event loops; the worker has readiness.py.
"""

from __future__ import annotations

import asyncio
import os

import sdnotify


class Notifier:
    """Takes what it needs out of the environment, so that no child inherits it."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        os.environ.pop("NOTIFY_SOCKET", None)
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "") or str(os.getpid())
        expected = microseconds.isdecimal() and pid == str(os.getpid())
        self.interval = int(microseconds) / 2_000_000 if expected else 0.0
        """Seconds between two signs of life; 0 if none are expected."""

    def ready(self, status: str) -> None:
        """Waits for systemd to take it; from then on what it has no room for is not said."""
        self._notifier.notify(f"READY=1\nSTATUS={status}")
        if self._notifier.socket is not None:
            self._notifier.socket.setblocking(False)

    def status(self, status: str) -> None:
        self._notifier.notify(f"STATUS={status}")

    def stopping(self) -> None:
        self._notifier.notify("STOPPING=1")

    async def keep_alive(self) -> None:
        """Feed the watchdog for as long as the event loop runs, if one watches."""
        while self.interval:
            self._notifier.notify("WATCHDOG=1")
            await asyncio.sleep(self.interval)
