"""One client's conversation: identified, then one request after the other, by one table.

Owns whose turn it is on one connection and what each message leads to. Everything that root does
for a stranger is in REQUESTS; what is not there ends the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from remit import __version__
from remit.daemon.admission import Admission, Rejected
from remit.daemon.audit import Audit
from remit.daemon.authenticator import Authenticator, Origin, Unavailable
from remit.daemon.channel import Channel, Closed, connect, send
from remit.daemon.listing import describe
from remit.daemon.session import Session
from remit.daemon.sessions import Sessions
from remit.policy.capability import describe_commands
from remit.policy.endpoint import Access
from remit.policy.plan import listen_path
from remit.system.accounts import Account
from remit.wire.frame import MAX_CONTROL
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem
from remit.wire.turn import MAX_PROMPTS, VERSION, Turn

DENIED = "permission denied: the user name, the password or the account was not accepted"
DEFAULT_SERVICE = "remit"
HELLO_SECONDS = 10
MAX_TRIES = 3
FRESH_SECONDS = 30  # for which PAM's word on an account holds within one connection
ANSWER_SECONDS = 120  # for a person to answer one prompt


@dataclass(frozen=True, slots=True)
class House:
    """What every conversation shares."""

    admission: Admission
    audit: Audit
    authenticator: Authenticator
    sessions: Sessions


class Conversation:
    """`account` is set at the start for a user of this host, known by the peer's credentials."""

    def __init__(
        self, house: House, channel: Channel, origin: Origin, account: Account | None
    ) -> None:
        self._house = house
        self._channel = channel
        self._origin = origin
        self._account = account
        self._passed: dict[str, float] = {}  # PAM services that accepted this user here, and when
        self._turn = Turn()
        self._tries = 0
        self._prompts = 0

    async def hold(self) -> None:
        """Until the client says goodbye, leaves or breaks the protocol."""
        try:
            await self._greet()
            while self._turn.state != "over":
                message = await self._receive()
                await self._answer(message)
        except (Closed, ConnectionError, TimeoutError):
            pass
        except ProtocolProblem as problem:
            self._house.audit.note(
                "protocol", peer=self._origin.peer, reason=problem.message, user=self._user()
            )
            await self._fail_and_close(problem)

    async def _greet(self) -> None:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = await self._receive()
        versions = hello.fields["versions"]
        if not isinstance(versions, list) or VERSION not in versions:
            message = f"this host speaks version {VERSION} of the protocol only"
            await self._say(Message("failed", code="version", message=message))
            return
        await self._say(Message("welcome", version=VERSION, software=f"remit {__version__}"))
        if self._account is not None:
            self._channel.allow_larger(MAX_CONTROL)
            await self._say(Message("authenticated", user=self._account.user))

    async def _answer(self, message: Message) -> None:
        try:
            await REQUESTS[message.type](self, message)
        except (ProtocolProblem, ConnectionError):
            raise
        except Problem as problem:
            self._note_rejection(problem)
            await self._say(Message("failed", code=problem.code, message=problem.message))
            if self._tries >= MAX_TRIES:
                self._turn.state = "over"
        except (OSError, TimeoutError, LookupError, ValueError) as error:
            self._house.audit.note("defect", reason=repr(error), user=self._user())
            text = "the host could not do that; its journal says why"
            await self._say(Message("failed", code="internal", message=text))

    async def _authenticate(self, message: Message) -> None:
        if self._account is not None and self._origin.address is not None:
            raise ProtocolProblem("authenticate by somebody who is authenticated")
        self._account = None
        self._passed.clear()
        account = await self._verify(message.text("user"), DEFAULT_SERVICE)
        if account is None:
            raise Problem("denied", DENIED)
        self._account = account
        self._channel.allow_larger(MAX_CONTROL)
        await self._say(Message("authenticated", user=account.user))

    async def _verify(self, user: str, service: str) -> Account | None:
        """A PAM conversation by way of the client; both outcomes are in the journal, and a client
        has MAX_TRIES that are not successful, whatever they are for and however they fail."""
        house, peer = self._house, self._origin.peer
        self._prompts = 0
        self._tries += 1
        try:
            verdict = await house.authenticator.authenticate(service, user, self._origin, self._ask)
        except Unavailable as problem:
            house.audit.note("denied", user=user, peer=peer, reason=problem.reason)
            raise
        if verdict.account is not None:
            self._tries -= 1
        if verdict.account is None:
            house.audit.note("denied", user=user, peer=peer, reason=verdict.reason)
        else:
            house.audit.note("authenticated", user=verdict.account.user, peer=peer)
            self._passed[service] = asyncio.get_running_loop().time()
        return verdict.account

    async def _ask(self, style: str, text: str) -> str:
        self._prompts += 1
        if self._prompts > MAX_PROMPTS:
            raise ProtocolProblem("too many prompts in one conversation")
        await self._say(Message("prompt", style=style, text=text))
        async with asyncio.timeout(ANSWER_SECONDS):
            return (await self._receive()).text("text")

    async def _endpoints(self, _message: Message) -> None:
        found = self._house.admission.endpoints(self._known(), self._origin)
        await self._say(Message("endpoint-list", endpoints=found))

    async def _commands(self, message: Message) -> None:
        name = message.text("endpoint")
        policy = self._house.admission.policy(self._known(), self._origin, name, "-")
        await self._say(Message("command-list", endpoint=name, commands=describe_commands(policy)))

    async def _open(self, message: Message) -> None:
        account = self._known()
        opening = self._house.admission.opening(account, self._origin, message)
        await self._confirm(opening.endpoint.access)
        session = await self._house.sessions.open(opening)
        self._house.audit.note(
            "opened",
            user=account.user,
            run_as=session.record.run_as,
            endpoint=session.record.endpoint,
            session=session.record.id,
            peer=self._origin.peer,
        )
        if message.flag("attach"):
            await self._connect(session)
        else:
            record = session.record
            await self._say(Message("opened", session=record.id, endpoint=record.endpoint))

    async def _confirm(self, access: Access) -> None:
        """What the endpoint wants besides what has been shown: another PAM service's consent; on
        this host, where the peer's credentials say who it is, any at all; and for whoever need
        not show anything now, that the account is still good."""
        service, account = access.pam_service, self._known()
        passed = self._passed.get(service)
        trusted = access.local == "trusted" and self._origin.address is None and not self._passed
        if passed is None and not trusted:
            found = await self._verify(account.user, service)
        elif passed is None or asyncio.get_running_loop().time() - passed > FRESH_SECONDS:
            house, origin = self._house, self._origin
            verdict = await house.authenticator.check_account(service, account.user, origin)
            found = verdict.account
            if found is None:
                house.audit.note(
                    "denied", user=account.user, peer=origin.peer, reason=verdict.reason
                )
        else:
            found = account
        if found is None or found.uid != account.uid:
            raise Problem("denied", DENIED)

    async def _attach(self, message: Message) -> None:
        account = self._known()
        session = self._house.sessions.find(account.uid, message.text("session"))
        record = session.record
        endpoint = self._house.admission.endpoint(account, self._origin, record.endpoint)
        await self._confirm(endpoint.access)
        await self._connect(session)

    async def _connect(self, session: Session) -> None:
        """Give the client a connection to the session's worker and wait until it is released."""
        record, account = session.record, self._known()
        attachment = session.new_attachment(self._origin.peer)
        first = Message("client", attachment=attachment, user=account.user, peer=self._origin.peer)
        try:
            with await connect(listen_path(record.id)) as connection:
                await send(connection, first.encode())
                attached = Message("attached", session=record.id, endpoint=record.endpoint)
                self._turn.host_says("attached")
                await self._channel.send(attached, connection.fileno())
            reason = await self._wait_released(session, attachment)
        finally:
            session.forget_attachment(attachment)
        await self._say(
            Message(
                "released", session=record.id, gone=reason is not None, reason=reason or "detached"
            )
        )

    async def _wait_released(self, session: Session, attachment: str) -> str | None:
        """Closed if the client leaves first: the session then goes by its own rules."""
        released = asyncio.create_task(session.released(attachment))
        left = asyncio.create_task(self._channel.wait_closed())
        try:
            await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
            if released.done():
                return released.result()
            raise Closed
        finally:
            for task in (released, left):
                task.cancel()
            await asyncio.gather(released, left, return_exceptions=True)

    async def _list(self, _message: Message) -> None:
        own = self._house.sessions.of_user(self._known().uid)
        found = [describe(session) for session in own]
        await self._say(Message("session-list", sessions=found))

    async def _remove(self, message: Message) -> None:
        account = self._known()
        session = self._house.sessions.find(account.uid, message.text("session"))
        await self._house.sessions.end(session, "removed by you")
        await self._say(Message("removed", session=session.record.id))

    async def _goodbye(self, _message: Message) -> None:
        """The turn is over; nothing is answered."""

    async def _receive(self) -> Message:
        message = await self._channel.receive()
        self._turn.client_says(message.type)
        return message

    async def _say(self, message: Message) -> None:
        self._turn.host_says(message.type)
        await self._channel.send(message)

    async def _fail_and_close(self, problem: Problem) -> None:
        try:
            message = Message("failed", code=problem.code, message=problem.message)
            await self._channel.send(message)
        except OSError:
            pass

    def _known(self) -> Account:
        if self._account is None:
            raise ProtocolProblem("a request before authentication")  # the turns see to it too
        return self._account

    def _user(self) -> str:
        return self._account.user if self._account else ""

    def _note_rejection(self, problem: Problem) -> None:
        if isinstance(problem, Rejected):
            self._house.audit.note(
                "not-admitted",
                user=self._user(),
                peer=self._origin.peer,
                endpoint=problem.endpoint,
                reason=problem.reason,
            )


REQUESTS: Mapping[str, Callable[[Conversation, Message], Awaitable[None]]] = {
    "authenticate": Conversation._authenticate,
    "endpoints": Conversation._endpoints,
    "commands": Conversation._commands,
    "open": Conversation._open,
    "attach": Conversation._attach,
    "list": Conversation._list,
    "remove": Conversation._remove,
    "goodbye": Conversation._goodbye,
}
