"""remit-gate's start and end: the sockets from systemd, the certificate, signals, the watchdog."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from remit.gateway.identity import Identity
from remit.gateway.limits import Admission
from remit.gateway.listener import Listener
from remit.gateway.log import ERROR, Log
from remit.gateway.relay import Buffers
from remit.gateway.settings import Settings
from remit.gateway.visitor import House
from remit.system.activation import take_descriptors
from remit.system.notify import Notifier

_LOOK = 3600.0  # seconds between two looks at the certificate
_STATUS = 10.0  # seconds between two lines of status, if it changed


class Gate:
    """Everything that exists once."""

    def __init__(self, house: House, identity: Identity, sockets: list[socket.socket]) -> None:
        self._house = house
        self._identity = identity
        self._listener = Listener(house, sockets)
        self._notifier = Notifier()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; SIGHUP loads the certificate again."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._listener.start()
        self._notifier.ready(self._status())
        beside = [
            asyncio.create_task(work)
            for work in (self._notifier.keep_alive(), self._look(), self._report())
        ]
        await stop.wait()
        self._notifier.stopping()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await self._listener.close()
        self._house.log.flush()

    def _reload(self) -> None:
        context = self._identity.reload()
        if context is not None:
            self._house.context = context

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            self._reload()

    async def _report(self) -> None:
        said = self._status()
        while True:
            await asyncio.sleep(_STATUS)
            if said != (said := self._status()):
                self._notifier.status(said)
            self._house.log.flush()

    def _status(self) -> str:
        admission = self._house.admission
        return f"{admission.connections} connections, {admission.strangers} not authenticated"


def main(settings: Settings | None = None) -> int:
    """Exit status: 0 after SIGTERM, 1 if it could not start."""
    settings = settings or Settings()
    log = Log(sys.stderr)
    descriptors = take_descriptors(os.environ)
    if not descriptors:
        log.write(ERROR, "no sockets; systemd starts it, by remit-gate.socket")
        return 1
    identity = Identity(settings, log, os.uname().nodename)
    try:
        context = identity.load()
    except (OSError, ValueError) as error:
        log.write(ERROR, f"no certificate to serve with: {error}")
        return 1
    house = House(settings, Admission(settings.caps), log, context, Buffers())
    asyncio.run(Gate(house, identity, [socket.socket(fileno=d) for d in descriptors]).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
