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

from remit.daemon.admission import Admission, Origin
from remit.daemon.audit import Audit
from remit.daemon.authenticator import Authenticator
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
MAX_LOCAL = 32  # connections of one user of this host at a time
TOO_MANY = f"you have {MAX_LOCAL} connections here already; end some of them"
Serve = Callable[[Channel], Awaitable[None]]


class Daemon:
    """Everything that exists once, and a task for each connection."""

    def __init__(self) -> None:
        self.audit = Audit(Journal())
        self.catalog = Catalog()
        self.units = Units()
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
        self.own(self._serve(Channel(connection), serve))

    async def serve_local(self, channel: Channel) -> None:
        peer = channel.peer
        name = f"local:{peer.pid}"
        if not _is_outside(peer.pid):
            self.audit.note("inside", peer="the local socket")
            return
        account = find_account_of(peer.uid)
        if account is None:
            self.audit.note("protocol", peer=name, reason=f"uid {peer.uid} is no user of this host")
            return
        if self._local[peer.uid] >= MAX_LOCAL:
            await channel.send(Message("failed", code="limit", message=TOO_MANY))
            return
        self._local[peer.uid] += 1
        try:
            await Conversation(self._house, channel, Origin(name, None), account).hold()
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
            with socket.socket(fileno=channel.take_descriptor()) as connection:
                address, port = connection.getpeername()[:2]
        except (Closed, ProtocolProblem, OSError) as error:
            self.audit.note("protocol", peer="the gate", reason=str(error) or repr(error))
            return
        address = address.removeprefix("::ffff:")
        origin = Origin(f"[{address}]:{port}" if ":" in address else f"{address}:{port}", address)
        await Conversation(self._house, channel, origin, None).hold()

    async def serve_control(self, channel: Channel) -> None:
        if channel.peer.uid != 0 or not _is_outside(channel.peer.pid):
            self.audit.note("inside", peer="the control socket")
            return
        channel.allow_larger(MAX_CONTROL)
        await self.control.serve(channel)

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


def _is_outside(pid: int) -> bool:
    """Whether a peer is no process of a session; one that cannot be looked up is refused."""
    try:
        return INSIDE not in f"{cgroup_of(pid)}/"
    except OSError:
        return False


async def _run(listening: list[socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    notifier = Notifier()
    daemon = Daemon()
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
    notifier.stopping()
    for each in listening:
        loop.remove_reader(each)
    await daemon.close()


def main() -> int:
    """Exit status: 0 after SIGTERM, 1 if it could not start."""
    descriptors = take_descriptors(os.environ)
    if not descriptors:
        sys.stderr.write("<3>remitd: no sockets; systemd starts it, by remitd.service\n")
        return 1
    asyncio.run(_run([socket.socket(fileno=descriptor) for descriptor in descriptors]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
