"""How a connection comes to be: reached, trusted, greeted, authenticated.

Owns the library's `connect`, and the steps that the command line takes one by one.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable

from remit.client.connection import Answerer, Connection
from remit.client.conversation import Conversation
from remit.client.link import Link, open_local
from remit.client.target import PORT, Address, Target, parse_address, parse_target
from remit.wire.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.client.trust import Trust

LOCAL = "/run/remit/local.sock"

Password = str | Callable[[str], str]


def connect(
    target: str = "",
    *,
    user: str = "",
    password: Password | None = None,
    port: int = PORT,
    fingerprint: str = "",
    ca: str = "",
    known_hosts: str = "",
) -> Connection:
    """Connect and authenticate. `target` is ENDPOINT@HOST[:PORT], @HOST[:PORT], or for this host
    ENDPOINT or nothing; its endpoint is the default of the connection's methods.

    `password` answers the first question, or is called with the text of each. A host must be
    known: by its `fingerprint`, the file `known_hosts`, or authorities (`ca` or the system's).
    Raises remit.Problem, whose `code` says what went wrong.
    """
    place = _parse(target, port)
    answers = PasswordAnswers(password)

    def trust() -> Trust:
        from remit.client.known_hosts import KnownHosts, default_path
        from remit.client.trust import Trust

        return Trust(KnownHosts(known_hosts or default_path()), fingerprint, ca)

    name = user or own_name()
    connection = reach(place, name, answers.answer, trust)
    try:
        if connection.user != name:
            connection.authenticate(name)
    except BaseException:
        connection.close()
        raise
    return connection


def reach(target: Target, user: str, answer: Answerer, trust: Callable[[], Trust]) -> Connection:
    """A connection that is greeted, and not authenticated unless it is local: then `user` says as
    whom. Problem."""
    address = target.address
    link = trust().open(address) if address.host else _open_local()
    conversation = Conversation(link, address.host or "this host")
    try:
        connection = Connection(conversation, answer, target.name)
        connection.greet(user if address.host else "")
    except BaseException:
        conversation.close()
        raise
    return connection


def own_name() -> str:
    """The name of the user who runs this."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Problem("invalid", f"uid {os.getuid()} has no name here; say --user NAME") from None


class PasswordAnswers:
    """Answers a host's prompts for a program: by a password, once, or by calling something."""

    def __init__(self, password: Password | None) -> None:
        self._password = password

    def answer(self, style: str, text: str) -> str:
        if style in ("info", "error"):
            return ""
        if callable(self._password):
            return self._password(text)
        if self._password is None or style != "secret":
            raise Problem("denied", f'the host asks "{text.strip()}" and there is no answer to it')
        answer, self._password = self._password, None
        return answer


def _parse(target: str, port: int) -> Target:
    if not target:
        return Target("", Address())
    if target.startswith("@"):
        return Target("", parse_address(target[1:], port))
    return parse_target(target, port)


def _open_local() -> Link:
    path = os.environ.get("REMIT_SOCKET") or LOCAL
    try:
        return open_local(path)
    except OSError as error:
        raise Problem(
            "unavailable",
            f"cannot reach remit on this host: {path}: {error.strerror}; expected the service "
            "there (is remit installed, and remitd-local.socket running?)",
        ) from error
