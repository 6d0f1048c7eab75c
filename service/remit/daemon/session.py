"""One living session as remitd sees it: its record, its worker's word, its end.

Owns the monitor connection and whoever waits for the session. Starts and stops no units.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any

from remit.daemon.audit import FIELDS, Audit
from remit.daemon.channel import Channel, Closed
from remit.daemon.registry import Record
from remit.policy.plan import STOP_SECONDS
from remit.system.dbus import Ending
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem

READY_SECONDS = 30
SIGNAL_CODES = (2, 3)  # CLD_KILLED, CLD_DUMPED: the status is a signal's number
WORKER_EVENTS = frozenset(
    {"allowed", "attached", "defect", "detached", "exited", "protocol", "refused"}
)
"""What a worker may have recorded: it runs as the session's account, not as root."""

RESULTS: Mapping[str, str] = {
    "success": "its worker ended",
    "exit-code": "its worker failed with status {status}",
    "signal": "its worker was killed by signal {status}",
    "core-dump": "its worker was killed by signal {status}",
    "watchdog": "its worker stopped answering",
    "timeout": "it lived for as long as its endpoint allows",
    "oom-kill": "killed: out of memory",
    "resources": "systemd could not give it what its sandbox needs",
    "protocol": "its worker ended before it was ready",
}


class Session:
    """`state` is what the worker last said of itself (PROTOCOL.md, "state")."""

    def __init__(self, record: Record, audit: Audit) -> None:
        self.record = record
        self.state: Mapping[str, object] = {}
        self.opened = False
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._audit = audit
        self._monitor: Channel | None = None
        self._reason = ""
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._seen: set[str] = set()
        self._peers: set[str] = set()

    async def introduce(self, monitor: Channel, first: Message) -> None:
        """Say the first word on a new connection to the worker and wait until it is ready.

        Problem with the worker's own words if it refuses; Closed if it dies.
        """
        self._monitor = monitor
        await monitor.send(first)
        async with asyncio.timeout(READY_SECONDS):
            answer = await monitor.receive()
        if answer.type == "failed":
            raise Problem(answer.text("code"), answer.text("message"))
        if answer.type != "ready":
            raise ProtocolProblem(f"{answer.type} from a worker that is to be ready")
        self._note_state(answer.table("state"))

    async def listen(self) -> None:
        """Take the worker's word until it is gone."""
        if (monitor := self._monitor) is None:
            return
        try:
            while True:
                self._heard(await monitor.receive())
        except (Closed, ProtocolProblem, OSError):
            pass
        finally:
            monitor.close()

    async def ask_to_end(self, reason: str) -> None:
        """Have the worker end everything and itself; OSError if it cannot be told."""
        self._reason = self._reason or reason
        if self._monitor is not None:
            await self._monitor.send(Message("end", reason=reason))

    def new_attachment(self, peer: str) -> str:
        """An id for a client's connection, to be given to the worker and to `released`.

        Problem attached, if there is such a connection already or will be in a moment.
        """
        if self._waiting or self.state.get("attached"):
            other = self.state.get("peer") or "elsewhere"
            raise Problem(
                "attached",
                f"the session is attached from {other}; it can be attached once there "
                "is no other client",
            )
        attachment = secrets.token_hex(8)
        self._peers.add(peer)
        self._waiting[attachment] = asyncio.get_running_loop().create_future()
        return attachment

    def forget_attachment(self, attachment: str) -> None:
        """Whoever had it is connected no more, or never came to be."""
        self._waiting.pop(attachment, None)
        self._seen.discard(attachment)

    async def released(self, attachment: str) -> str | None:
        """Wait until the client of that attachment is no longer attached.

        Returns None if the session lives on; the reason, once nothing is left of it, if not.
        """
        waiting = self._waiting[attachment]
        either: set[asyncio.Future[Any]] = {waiting, self.gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        ending = self.state.get("ending") is True or self._reason != ""
        return await asyncio.shield(self.gone) if self.gone.done() or ending else None

    @property
    def reason(self) -> str:
        """Why it ends: what remitd asked for, or what the worker said; empty if nobody knows."""
        return self._reason

    @staticmethod
    def reason_from(ending: Ending) -> str:
        """Why it ended, as systemd saw it."""
        sentence = RESULTS.get(ending.result, "systemd ended it ({result})")
        return sentence.format(result=ending.result, status=ending.status)

    def overdue(self) -> bool:
        """Whether the worker should have ended itself for idleness and has not."""
        expires = self.state.get("expires")
        return isinstance(expires, int) and 0 < expires < time.time() - STOP_SECONDS

    def _heard(self, message: Message) -> None:
        if message.type == "state":
            self._note_state(message.table("state"))
        elif message.type == "ending":
            self._reason = self._reason or message.text("reason")
        elif message.type == "event":
            self._note_event(message.text("event"), message.table("fields"))
        else:
            raise ProtocolProblem(f"{message.type} from a worker")

    def _note_state(self, state: Mapping[str, object]) -> None:
        self.state = state
        attached = state.get("attached")
        for attachment, waiting in self._waiting.items():
            if attachment == attached:
                self._seen.add(attachment)
            elif attachment in self._seen and not waiting.done():
                self._seen.discard(attachment)
                waiting.set_result(None)

    def _note_event(self, event: str, fields: Mapping[str, object]) -> None:
        """What a worker says of itself; who it is and for whom, it need not be asked."""
        if event not in WORKER_EVENTS:
            raise ProtocolProblem(f"event {event} from a worker")
        known = {key: str(fields[key]) for key in FIELDS if key in fields}
        record = self.record
        known.update(
            user=record.owner, session=record.id, endpoint=record.endpoint, run_as=record.run_as
        )
        if known.get("peer") not in self._peers:
            known.pop("peer", None)
        self._audit.note(event, **known)
