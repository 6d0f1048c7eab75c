"""Waiting for sockets: asyncio's own transports buffer, and know neither descriptors nor our TLS.

Owns the registrations for as long as somebody waits; a cancelled wait has taken nothing.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Waitable(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int: ...


async def readable(*those: Waitable) -> None:
    """Return when one of them can be read, or has failed."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    for each in those:
        loop.add_reader(each.fileno(), _fulfil, ready)
    try:
        await ready
    finally:
        for each in those:
            loop.remove_reader(each.fileno())


async def writable(that: Waitable) -> None:
    """Return when it can be written, or has failed."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(that.fileno(), _fulfil, ready)
    try:
        await ready
    finally:
        loop.remove_writer(that.fileno())


def _fulfil(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
