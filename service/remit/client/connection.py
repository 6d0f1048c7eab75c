"""A connection to one host as one user: what may I use, which sessions have I, give me one.

The public face of the library. Neither prints nor exits nor asks anybody.
"""

from __future__ import annotations

from collections.abc import Callable

from remit import __version__
from remit.client.conversation import Conversation, broken
from remit.wire.message import Message
from remit.wire.problem import Problem, ProtocolProblem
from remit.wire.turn import MAX_PROMPTS, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from remit.client.session import Session

GREETING_SECONDS = 15.0

ID_DIGITS = 32
DIGITS = frozenset("0123456789abcdef")

# (style, text) -> answer; the styles are message.PROMPT_STYLES. Problem ends the conversation.
Answerer = Callable[[str, str], str]


class Connection:
    """Greeted and not yet authenticated, unless the host knows the user by himself (locally)."""

    def __init__(self, conversation: Conversation, answer: Answerer, endpoint: str = "") -> None:
        self.host = conversation.host
        self.user = ""
        self._conversation = conversation
        self._answer = answer
        self._endpoint = endpoint
        self._prompts = 0
        self._is_said = False  # `authenticate`, ahead of its turn

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def greet(self, user: str = "") -> None:
        """Agree on the protocol. A local host then says who we are; to any other we say it, for
        `authenticate` to go on from there."""
        conversation = self._conversation
        hello = Message("hello", versions=[VERSION], software=f"remit {__version__}")
        if user:
            conversation.say_ahead(hello, Message("authenticate", user=user))
            self._is_said = True
            _prepare()
        else:
            conversation.say_ahead(hello)
        welcome = conversation.hear(GREETING_SECONDS)
        if welcome.number("version") != VERSION:
            raise Problem("version", f"{self.host} speaks a version that was not offered")
        if not user:
            self.user = conversation.hear(GREETING_SECONDS).text("user")

    def authenticate(self, user: str) -> None:
        """Say who we are and answer what the host asks. Problem `denied`; it may be tried again."""
        self._prompts = 0
        if not self._is_said:
            self._conversation.say("authenticate", user=user)
        self._is_said = False
        self.user = self._await("authenticated").text("user")

    def may_try_again(self) -> bool:
        """Whether the host would hear another `authenticate` after it denied one."""
        return self._conversation.turn.state == "greeted"

    def endpoints(self) -> list[dict[str, object]]:
        """The endpoints that the user may open sessions on: name, description."""
        return self._request("endpoint-list", "endpoints").tables("endpoints")

    def commands(self, endpoint: str = "") -> list[dict[str, object]]:
        """What the user may run there: name, summary, usages of each command."""
        named = endpoint or self._endpoint
        return self._request("command-list", "commands", endpoint=named).tables("commands")

    def open(self, endpoint: str = "", name: str = "", kept: bool = False) -> Session:
        """Open a session and attach to it. One that is not kept ends with this connection."""
        from remit.client.session import Session

        fields = _opening(endpoint or self._endpoint, name, None)
        attached = self._request("attached", "open", kept=kept, attach=True, **fields)
        self._session_id(attached.text("session"))
        return Session(self._conversation, attached, kept)

    def new(self, endpoint: str = "", name: str = "", idle_timeout: int | None = None) -> str:
        """Open a kept session without attaching to it. Returns its id; `idle_timeout` is in s."""
        fields = _opening(endpoint or self._endpoint, name, idle_timeout)
        opened = self._request("opened", "open", kept=True, attach=False, **fields)
        return self._session_id(opened.text("session"))

    def attach(self, session: str) -> Session:
        """Attach to one of the user's sessions, by name, id or the beginning of an id."""
        from remit.client.session import Session

        attached = self._request("attached", "attach", session=session)
        self._session_id(attached.text("session"))
        return Session(self._conversation, attached, kept=True)

    def sessions(self) -> list[dict[str, object]]:
        """The user's sessions on this host."""
        rows = self._request("session-list", "list").tables("sessions")
        for row in rows:
            self._session_id(row.get("id"))
        return rows

    def remove(self, session: str) -> None:
        """End one of the user's sessions; returns when nothing is left of it."""
        self._request("removed", "remove", session=session)

    def close(self) -> None:
        """Say goodbye if there is nothing under way, and go."""
        if self._conversation.turn.state in ("greeted", "ready"):
            self._conversation.say("goodbye")
        self._conversation.close()

    def _session_id(self, found: object) -> str:
        """A session's id as a host has given it: fit to be shown, and to be a word of a script."""
        if isinstance(found, str) and len(found) == ID_DIGITS and DIGITS.issuperset(found):
            return found
        raise broken(self.host, ProtocolProblem("a session's id that is none"))

    def _request(self, answer: str, type_: str, **fields: object) -> Message:
        self._conversation.say(type_, **fields)
        return self._await(answer)

    def _await(self, answer: str) -> Message:
        while True:
            message = self._conversation.hear()
            if message.type == answer:
                return message
            if message.type != "prompt":
                raise Problem("protocol", f"{self.host} says {message.type}, not {answer}")
            self._answer_prompt(message)

    def _answer_prompt(self, prompt: Message) -> None:
        self._prompts += 1
        if self._prompts > MAX_PROMPTS:
            raise Problem("protocol", f"{self.host} asked more than {MAX_PROMPTS} questions")
        text = self._answer(prompt.text("style"), prompt.text("text"))
        self._conversation.say("answer", text=text)


def _opening(endpoint: str, name: str, idle_timeout: int | None) -> dict[str, object]:
    fields: dict[str, object] = {"endpoint": endpoint}
    if name:
        fields["name"] = name
    if idle_timeout is not None:
        fields["idle_timeout"] = idle_timeout
    return fields


def _prepare() -> None:
    """Import what is needed next, while the host is thinking."""
    import remit.client.session  # noqa: F401
