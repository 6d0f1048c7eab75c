"""Who somebody is: one remit-auth process for each conversation, one more always waiting.

Owns the waiting process, the passing on of prompts and the equal delay of every refusal. Does
not know PAM (remit-auth does), nor what the user may do (the catalogue does).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from remit.daemon.channel import Channel, Closed
from remit.system.accounts import Account, find_account
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem

SOCKET = "/run/remit/auth.sock"
REFUSAL_SECONDS = 2.0  # from the last answer to the refusal, or the next multiple of it
MAX_CONVERSATIONS = 8  # at a time from one address, or of one user of this host
START_SECONDS = 30  # for systemd to start remit-auth on a busy host

Ask = Callable[[str, str], Awaitable[str]]  # style, text -> answer


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a caller comes from: an address for people, the IP address, None on this host, and
    whom conversations are counted for."""

    peer: str
    address: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`account` is who the user is on this host, None if refused; `reason` is PAM's, for the
    journal alone."""

    account: Account | None
    reason: str


class Unavailable(Problem):
    """No verdict could be had; `reason` is for the journal, the message for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__("unavailable", "nobody can be authenticated here just now")
        self.reason = reason


class Authenticator:
    """Runs conversations; `close` ends the waiting process."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._spare: Channel | None = None
        self._preparing = asyncio.Lock()
        self._conversations: Counter[str] = Counter()  # under way, by where they come from

    async def prepare(self) -> None:
        """Have a process waiting, started and with PAM loaded, for whoever comes next."""
        async with self._preparing:
            if self._spare is None:
                self._spare = await Channel.connect(self._path)

    def close(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    async def authenticate(self, service: str, user: str, origin: Origin, ask: Ask) -> Verdict:
        """A whole transaction. Refusals and failures take the same time whatever their reason.

        Unavailable if no remit-auth can be had or it dies, Problem `limit` if too many others from
        there are asking; what `ask` raises is raised.
        """
        clock = asyncio.get_running_loop().time
        asked = [clock()]

        async def ask_and_note(style: str, text: str) -> str:
            answer = await ask(style, text)
            asked.append(clock())
            return answer

        granted = False
        try:
            verdict = await self._converse(service, user, origin, True, ask_and_note)
            granted = verdict.account is not None
            return verdict
        finally:
            if not granted:
                late = (clock() - asked[-1]) % REFUSAL_SECONDS
                await asyncio.sleep(REFUSAL_SECONDS - late)

    async def check_account(self, service: str, user: str, origin: Origin) -> Verdict:
        """PAM's account phase alone, for somebody whose identity is known. It may not ask."""

        async def refuse(_style: str, _text: str) -> str:
            return ""

        return await self._converse(service, user, origin, False, refuse)

    async def _converse(
        self, service: str, user: str, origin: Origin, authenticate: bool, ask: Ask
    ) -> Verdict:
        if self._conversations[origin.source] >= MAX_CONVERSATIONS:
            raise Problem("limit", "too many are being authenticated from where you are")
        self._conversations[origin.source] += 1
        start = Message(
            "start", service=service, user=user, peer=origin.peer, authenticate=authenticate
        )
        try:
            channel = await self._begin(start)
            try:
                result = await _follow(channel, ask)
            finally:
                channel.close()
        finally:
            self._conversations[origin.source] -= 1
            self._conversations += Counter()  # forgets those at zero
        return _verdict(user, result)

    async def _begin(self, start: Message) -> Channel:
        """The waiting process if it is still there, else a new one, with `start` sent to it."""
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                await spare.send(start)
            except OSError:
                spare.close()
            else:
                return spare
        try:
            async with asyncio.timeout(START_SECONDS):
                channel = await Channel.connect(self._path)
                await channel.send(start)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"remit-auth cannot be reached: {error!r}") from error
        return channel


async def _follow(channel: Channel, ask: Ask) -> Message:
    """Pass prompts and answers on until there is a result. Unavailable if remit-auth fails."""
    while True:
        try:
            message = await channel.receive()
        except (Closed, ProtocolProblem, OSError) as error:
            raise Unavailable(f"remit-auth gave no verdict: {error!r}") from error
        if message.type == "result":
            return message
        if message.type != "prompt":
            raise Unavailable(f"{message.type} from remit-auth")
        answer = await ask(message.text("style"), message.text("text"))
        try:
            await channel.send(Message("answer", text=answer))
        except OSError as error:
            raise Unavailable(f"remit-auth took no answer: {error!r}") from error


def _verdict(user: str, result: Message) -> Verdict:
    """PAM may have changed the user's name; it may not have changed who that is."""
    reason = result.text("reason")
    if not result.flag("granted"):
        return Verdict(None, reason)
    asked, found = find_account(user), find_account(result.text("user"))
    if asked is None or found is None or asked.uid != found.uid:
        return Verdict(None, f"PAM granted {result.text('user')!r}, who is not {user!r}")
    return Verdict(found, reason)
