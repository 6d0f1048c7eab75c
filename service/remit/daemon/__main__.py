"""remitd's start and end: what exists once, the sockets that systemd hands over, and the signals.

Owns no behaviour of its own but who is let in at each socket.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from remit.daemon.admission import Admission
from remit.daemon.audit import Audit
from remit.daemon.authenticator import Authenticator, Origin
from remit.daemon.catalog import Catalog
from remit.daemon.channel import Channel, Closed
from remit.daemon.control import Control
from remit.daemon.conversation import Conversation, House
from remit.daemon.registry import Registry
from remit.daemon.sessions import Sessions
from remit.daemon.units import Units
from remit.system.accounts import find_account_of
from remit.system.activation import take_descriptors
from remit.system.descriptors import cgroup_of
from remit.system.journal import Journal
from remit.system.notify import Notifier
from remit.wire.frame import MAX_CONTROL
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem

GATE_USER = "remit-gate"
INSIDE = "/remit.slice/"
PAUSE = 1.0  # seconds in which nothing is accepted when no descriptor is left
MAX_LOCAL = 32  # connections of one user of this host at a time
TOO_MANY = f"you have {MAX_LOCAL} connections here already; end some of them"
Serve = Callable[[Channel], Awaitable[None]]


class Daemon:
    """Everything that exists once, and a task for each connection."""

    def __init__(self, on_bus_lost: Callable[[], object]) -> None:
        self.audit = Audit(Journal())
        self.catalog = Catalog()
        self.units = Units(on_bus_lost)
        self.sessions = Sessions(self.units, Registry(), self.audit)
        self.authenticator = Authenticator()
        self.control = Control(self.catalog, self.sessions, self.audit)
        self._house = House(Admission(self.catalog), self.audit, self.authenticator, self.sessions)
        self._tasks: set[asyncio.Task[None]] = set()
        self._local: Counter[int] = Counter()  # connections to the local socket by uid

    async def start(self) -> None:
        for problem in self.catalog.reload():
            self.audit.note("endpoint", reason=str(problem))
        for fault in await self.sessions.restore():
            self.audit.note("defect", reason=fault)
        self.own(self.sessions.check())
        self.own(self._prepare_authenticator())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sessions.close()
        self.authenticator.close()
        self.units.close()

    def own(self, work: Awaitable[None]) -> None:
        """Do some work beside the rest; a defect in it is recorded and ends nothing else."""
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def accept(self, listening: socket.socket, serve: Serve) -> None:
        """Take one connection from a listening socket and serve it."""
        try:
            connection, _ = listening.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:  # no descriptor is left: those who wait are taken later
            self.audit.note("defect", reason=f"no connection can be accepted: {error}")
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            loop.call_later(PAUSE, loop.add_reader, listening, self.accept, listening, serve)
            return
        self.own(self._serve(Channel(connection), serve))

    async def serve_local(self, channel: Channel) -> None:
        peer = channel.peer
        name = f"local:{peer.pid}"
        if not self._is_outside(peer.pid, "the local socket"):
            return
        account = find_account_of(peer.uid)
        if account is None or account.user == GATE_USER:  # the gate speaks for others elsewhere
            reason = f"uid {peer.uid} is nobody who could use this host"
            self.audit.note("protocol", peer=name, reason=reason)
            return
        if self._local[peer.uid] >= MAX_LOCAL:
            await channel.send(Message("failed", code="limit", message=TOO_MANY))
            return
        self._local[peer.uid] += 1
        try:
            origin = Origin(name, None, f"uid {peer.uid}")
            await Conversation(self._house, channel, origin, account).hold()
        finally:
            self._local[peer.uid] -= 1

    async def serve_gate(self, channel: Channel) -> None:
        if channel.peer.uid != pwd.getpwnam(GATE_USER).pw_uid:
            self.audit.note("protocol", peer="the gate's socket", reason="not from the gate")
            return
        try:
            first = await channel.receive(most_descriptors=1)
            if first.type != "connection":
                raise ProtocolProblem(f"{first.type} in place of connection")
            address, port = _address_of(channel.take_descriptor())
        except (Closed, ProtocolProblem, OSError) as error:
            self.audit.note("protocol", peer="the gate", reason=str(error) or repr(error))
            return
        address = address.removeprefix("::ffff:")
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        origin = Origin(place, address, address)
        await Conversation(self._house, channel, origin, None).hold()

    async def serve_control(self, channel: Channel) -> None:
        if channel.peer.uid != 0 or not self._is_outside(channel.peer.pid, "the control socket"):
            return
        channel.allow_larger(MAX_CONTROL)
        await self.control.serve(channel)

    def _is_outside(self, pid: int, where: str) -> bool:
        """Whether a peer is no process of a session; one that cannot be looked up is refused."""
        try:
            inside = INSIDE in f"{cgroup_of(pid)}/"
        except OSError as error:
            self.audit.note("protocol", peer=where, reason=f"its process is gone: {error}")
            return False
        if inside:
            self.audit.note("inside", peer=where)
        return not inside

    async def _serve(self, channel: Channel, serve: Serve) -> None:
        try:
            await serve(channel)
        finally:
            channel.close()
            self.own(self._prepare_authenticator())

    async def _prepare_authenticator(self) -> None:
        try:
            await self.authenticator.prepare()
        except (OSError, TimeoutError):
            pass  # the next conversation asks systemd again, and says what is wrong

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  the defect is recorded, the rest goes on
            self.audit.note("defect", reason=repr(error))


def _address_of(descriptor: int) -> tuple[str, int]:
    """Whom a connected TCP socket leads to. OSError if it is no such thing; it is closed."""
    try:
        connection = socket.socket(fileno=os.dup(descriptor))
    finally:
        os.close(descriptor)
    with connection:
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            raise OSError("a descriptor that is no connection from the network")
        address, port = connection.getpeername()[:2]
    return str(address), int(port)


async def _run(listening: list[socket.socket]) -> int:
    """Exit status: 1 if the bus went away, so that systemd starts us again."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    notifier = Notifier()
    daemon = Daemon(on_bus_lost=stop.set)
    await daemon.start()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.control.reload)
    serve: dict[str, Serve] = {
        "local.sock": daemon.serve_local,
        "gate.sock": daemon.serve_gate,
        "control.sock": daemon.serve_control,
    }
    for each in listening:
        each.setblocking(False)
        loop.add_reader(each, daemon.accept, each, serve[Path(each.getsockname()).name])
    daemon.own(notifier.keep_alive())
    notifier.ready(f"{len(daemon.sessions.living())} sessions")
    await stop.wait()
    if daemon.units.is_lost:
        daemon.audit.note("defect", reason="the connection to the bus was lost: starting again")
    notifier.stopping()
    for each in listening:
        loop.remove_reader(each)
    await daemon.close()
    return int(daemon.units.is_lost)


def main() -> int:
    """Exit status: 0 after SIGTERM, 1 if it could not start or lost the bus."""
    descriptors = take_descriptors(os.environ)
    if not descriptors:
        sys.stderr.write("<3>remitd: no sockets; systemd starts it, by remitd.service\n")
        return 1
    status = asyncio.run(_run([socket.socket(fileno=descriptor) for descriptor in descriptors]))
    os._exit(status)  # GDBus has a thread of its own that may not outlive what it calls


if __name__ == "__main__":
    sys.exit(main())
