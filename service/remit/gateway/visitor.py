"""One connection from its accept to its close: deadlines, what is logged, what it is charged for.

Owns the accepted socket. What is said in between is the conversation's.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from remit.gateway.backend import Defect
from remit.gateway.client import Client, ClientGone
from remit.gateway.conversation import Conversation
from remit.gateway.limits import Admission
from remit.gateway.log import ERROR, WARNING, Log
from remit.gateway.relay import Buffers
from remit.gateway.settings import Settings
from remit.system.tls import Context, NotTls, TlsConnection
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem

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
    """A client that has been let in; `peer` is its address and port for people."""

    def __init__(self, house: House, accepted: socket.socket, source: str, peer: str) -> None:
        self._house = house
        self._accepted = accepted
        self._source = source
        self._peer = peer
        self._stranger = True
        self._deadline = asyncio.timeout(None)
        self._begun = 0.0

    async def serve(self) -> None:
        """Until it leaves, breaks a rule or the gate stops. Raises nothing but a cancellation."""
        try:
            prepare(self._accepted)
            connection = TlsConnection(self._accepted, self._house.context)
        except OSError:  # it has gone already
            self._accepted.close()
            self._leave()
            return
        try:
            await self._serve(Client(connection))
        finally:
            connection.close()
            self._leave()

    async def _serve(self, client: Client) -> None:
        loop, deadlines = asyncio.get_running_loop(), self._house.settings.deadlines
        self._begun = loop.time()
        try:
            async with asyncio.timeout(deadlines.handshake):
                await client.handshake()
        except TimeoutError:
            self._charge("timeout", "no TLS handshake in time")
        except NotTls as error:
            self._charge("protocol", str(error))
        except OSError:
            self._charge("left")
        else:
            await self._converse(client)

    async def _converse(self, client: Client) -> None:
        house = self._house
        conversation = Conversation(client, house.settings.backend, house.buffers, self._observe)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() + house.settings.deadlines.hello) as deadline:
                self._deadline = deadline
                await conversation.hold()
            last = b""
        except ClientGone as gone:
            self._charge("left", str(gone))
            return
        except TimeoutError:
            self._charge("timeout", "not authenticated in time")
            last = _failed("timeout", "you were not authenticated in time; connect again")
        except Problem as problem:
            self._note(problem)
            last = _failed(problem.code, problem.message)
        await client.send_last(last)

    def _observe(self, type_: str, code: str) -> None:
        """A message has gone by."""
        deadlines = self._house.settings.deadlines
        if type_ == "hello":
            self._deadline.reschedule(self._begun + deadlines.authentication)
        elif type_ == "authenticated":
            self._deadline.reschedule(None)
            if self._stranger:
                self._stranger = False
                self._house.admission.recognize(self._source)
        elif code == "denied":
            self._punish("denied")

    def _note(self, problem: Problem) -> None:
        if isinstance(problem, ProtocolProblem):
            self._charge("protocol", f"it broke the protocol: {problem.message}")
        elif isinstance(problem, Defect):
            self._house.log.about(self._peer, f"remitd's mistake: {problem.detail}", ERROR)
        else:
            self._house.log.about(self._peer, f"remitd did not serve it: {problem.code}", WARNING)

    def _charge(self, offence: str, text: str = "") -> None:
        if text:
            self._house.log.about(self._peer, text)
        if self._stranger:
            self._punish(offence)

    def _punish(self, offence: str) -> None:
        self._house.admission.punish(self._source, offence, asyncio.get_running_loop().time())

    def _leave(self) -> None:
        self._house.admission.leave(self._source, self._stranger)


def prepare(accepted: socket.socket) -> None:
    """Small frames go at once, and a peer that has vanished is noticed."""
    tcp = socket.IPPROTO_TCP
    accepted.setsockopt(tcp, socket.TCP_NODELAY, 1)
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    accepted.setsockopt(tcp, socket.TCP_KEEPIDLE, _IDLE)
    accepted.setsockopt(tcp, socket.TCP_KEEPINTVL, _IDLE)
    accepted.setsockopt(tcp, socket.TCP_KEEPCNT, _PROBES)
    accepted.setsockopt(tcp, socket.TCP_USER_TIMEOUT, _MILLISECONDS)


def _failed(code: str, message: str) -> bytes:
    return Message("failed", code=code, message=message).encode()
