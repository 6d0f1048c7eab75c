"""One connection from its accept to its close: deadlines, what is logged, what it is charged for.

Owns the accepted socket. What is said in between is the conversation's.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from remit.gateway.backend import Defect
from remit.gateway.bill import Bill
from remit.gateway.client import Client, ClientGone
from remit.gateway.conversation import Conversation
from remit.gateway.limits import Admission, Place
from remit.gateway.log import ERROR, WARNING, Log
from remit.gateway.relay import Buffers
from remit.gateway.settings import Settings
from remit.system.tls import Context, NotTls, TlsConnection
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem

# After these it is the client's turn, and the host waits.
_AWAITS_CLIENT = {"welcome", "prompt", "failed"}

_IDLE, _PROBES, _MILLISECONDS = 15, 2, 45_000  # a peer that is gone is noticed within 45 s


@dataclass(slots=True)
class House:
    """What all visitors share. `context` is replaced when the certificate is."""

    settings: Settings
    admission: Admission
    log: Log
    context: Context
    buffers: Buffers


class Visitor:
    """A client that wants to be let in, by its accepted socket."""

    def __init__(self, house: House, accepted: socket.socket, address: str, port: int) -> None:
        self._house = house
        self._accepted = accepted
        self._connection: TlsConnection | None = None
        self._place = Place(address, self._hang_up)
        self._peer = _shown(address, port)
        self._begun = asyncio.get_running_loop().time()
        rent = house.settings.caps.rent
        self._bill = Bill(house.admission, self._place.source, rent, self._begun)
        self._deadline = asyncio.timeout(None)

    def enter(self) -> bool:
        """Whether there is a place for it; `serve` gives it back. Otherwise it is closed."""
        refusal = self._house.admission.enter(self._place, self._begun)
        if refusal:
            self._accepted.close()
            self._house.log.about(self._peer, f"refused: {refusal}")
        return not refusal

    async def serve(self) -> None:
        """Until it leaves, breaks a rule or the gate stops. Raises nothing but a cancellation."""
        try:
            prepare(self._accepted)
            self._connection = TlsConnection(self._accepted, self._house.context)
        except OSError:  # it has gone already
            self._accepted.close()
            self._house.admission.leave(self._place)
            return
        try:
            await self._serve(Client(self._connection))
        finally:
            self._connection.close()
            self._house.admission.leave(self._place)

    async def _serve(self, client: Client) -> None:
        try:
            async with asyncio.timeout(self._house.settings.deadlines.handshake):
                await client.handshake()
        except TimeoutError:
            self._settle("timeout", "no TLS handshake in time")
        except NotTls as error:
            self._settle("protocol", str(error))
        except OSError:
            self._settle("left")
        else:
            await self._converse(client)

    async def _converse(self, client: Client) -> None:
        house = self._house
        conversation = Conversation(client, house.settings.backend, house.buffers, self._observe)
        try:
            async with asyncio.timeout(house.settings.deadlines.hello) as deadline:
                self._deadline = deadline
                await conversation.hold()
            self._settle("left")
            last = b""
        except ClientGone as gone:
            self._settle("left", str(gone))
            return
        except TimeoutError:
            self._settle("timeout", "not authenticated in time")
            last = _failed("timeout", "you were not authenticated in time; connect again")
        except Problem as problem:
            self._note(problem)
            last = _failed(problem.code, problem.message)
        await client.send_last(last)

    def _observe(self, type_: str, code: str) -> None:
        """A message goes by."""
        now = asyncio.get_running_loop().time()
        self._bill.observe(type_, code, now)
        if type_ == "authenticated":
            self._deadline.reschedule(None)
            self._house.admission.recognize(self._place)
        elif self._bill.stranger:
            self._deadline.reschedule(self._patience(type_, now))

    def _patience(self, type_: str, now: float) -> float:
        """Until when a stranger's conversation may go on after this message."""
        deadlines = self._house.settings.deadlines
        end = self._begun + deadlines.authentication
        if type_ in _AWAITS_CLIENT and self._house.admission.is_crowded():
            return min(end, now + deadlines.crowded)
        return end

    def _note(self, problem: Problem) -> None:
        if isinstance(problem, ProtocolProblem):
            self._settle("protocol", f"it broke the protocol: {problem.message}")
        elif isinstance(problem, Defect):
            self._house.log.about(self._peer, f"remitd's mistake: {problem.detail}", ERROR)
        else:
            self._house.log.about(self._peer, f"remitd did not serve it: {problem.code}", WARNING)

    def _settle(self, offence: str, text: str = "") -> None:
        if text:
            self._house.log.about(self._peer, text)
        self._bill.settle(offence, asyncio.get_running_loop().time())

    def _hang_up(self) -> None:
        """Another stranger needs the place: have the connection end, whatever it waits for."""
        self._house.log.about(self._peer, "displaced: too many connections not authenticated")
        if self._connection is not None:
            self._connection.hang_up()
            return
        try:
            self._accepted.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone already


def prepare(accepted: socket.socket) -> None:
    """Small frames go at once, and a peer that has vanished is noticed."""
    tcp = socket.IPPROTO_TCP
    accepted.setsockopt(tcp, socket.TCP_NODELAY, 1)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    accepted.setsockopt(tcp, socket.TCP_KEEPIDLE, _IDLE)
    accepted.setsockopt(tcp, socket.TCP_KEEPINTVL, _IDLE)
    accepted.setsockopt(tcp, socket.TCP_KEEPCNT, _PROBES)
    accepted.setsockopt(tcp, socket.TCP_USER_TIMEOUT, _MILLISECONDS)


def _shown(address: str, port: int) -> str:
    address = address.removeprefix("::ffff:")
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _failed(code: str, message: str) -> bytes:
    return Message("failed", code=code, message=message).encode()
