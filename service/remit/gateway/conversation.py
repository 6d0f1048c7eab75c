"""One client's conversation, from `hello` to its end: checked both ways and passed on.

Owns whose turn it is and the connection to remitd. Decides nothing about what is asked for, and
keeps nothing of what is said.
"""

from __future__ import annotations

from collections.abc import Callable

from remit.gateway.backend import Backend, Defect, Unavailable
from remit.gateway.client import Client, ClientGone
from remit.gateway.readiness import readable
from remit.gateway.relay import Buffers, Relay
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem
from remit.wire.turn import CLIENT_TURNS, Turn

_CLIENTS_TURN = frozenset(state for state, _ in CLIENT_TURNS)


class Conversation:
    """`observe` hears the type of each message that is passed on, and the code of a failure."""

    def __init__(
        self,
        client: Client,
        backend: str,
        buffers: Buffers,
        observe: Callable[[str, str], None],
    ) -> None:
        self._client = client
        self._path = backend
        self._buffers = buffers
        self._observe = observe
        self._turn = Turn()
        self._backend: Backend | None = None
        self._refused = False  # the client has failed to authenticate

    async def hold(self) -> None:
        """Until it is over. ClientGone if the client leaves first, ProtocolProblem if it breaks the
        protocol, Unavailable or Defect for what remitd does."""
        try:
            while self._turn.state != "over":
                if not await self._pass_one():
                    await self._wait()
        finally:
            if self._backend:
                self._backend.close()

    async def _pass_one(self) -> bool:
        """Pass one message on; False if none is complete."""
        backend = self._backend
        if backend and (message := backend.next_message()):
            await self._pass_to_client(backend, message)
            return True
        if self._turn.state in _CLIENTS_TURN and (message := self._client.next_message()):
            await self._pass_to_host(message)
            return True
        if self._client.ended:
            raise ClientGone
        return False

    async def _wait(self) -> None:
        """Until either side has something more, and take it."""
        sides = [each for each in (self._backend, self._reading_client()) if each]
        await readable(*sides)
        try:
            for each in sides:
                each.pull()
        except Unavailable:
            if self._turn.state != "greeted" or not self._refused:
                raise
            self._turn.state = "over"  # remitd has had enough of this client's attempts

    def _reading_client(self) -> Client | None:
        return self._client if self._client.has_room() else None

    async def _pass_to_host(self, message: Message) -> None:
        self._turn.client_says(message.type)
        if self._backend is None:
            self._backend = await Backend.connect(self._path, self._client.fileno())
        await self._backend.send(message)
        self._observe(message.type, "")

    async def _pass_to_client(self, backend: Backend, message: Message) -> None:
        try:
            self._turn.host_says(message.type)
        except ProtocolProblem as problem:
            raise Defect(problem.message) from problem
        if message.type == "authenticated":
            self._client.trust()
        self._refused = message.type == "failed"
        self._observe(message.type, message.text("code"))
        if message.type == "attached":
            await self._attach(backend, message)
        else:
            await self._client.send(message.encode())

    async def _attach(self, backend: Backend, message: Message) -> None:
        with backend.take_session() as session:
            await self._client.send(message.encode())
            relay = Relay(self._client.connection, session, self._buffers)
            try:
                self._client.resume(await relay.run(self._client.take_rest()))
            except ProtocolProblem as problem:
                raise Defect(f"session: {problem.message}") from problem
