"""The stream to a session while attached: over the host's own connection (TLS), or beside it.

Owns who speaks: the session, until its stream ends; then the host, with `released`.
"""

from __future__ import annotations

import time

from remit.client.conversation import PATIENCE, Conversation, broken, lost, send_all
from remit.client.execution import Execution
from remit.client.inlet import Inlet
from remit.client.interrupts import Interrupts
from remit.client.link import Link, adopt
from remit.client.pump import Pump
from remit.wire.frame import CONTROL, Frame
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem, ProtocolProblem


class Attachment:
    """Made when the host has said `attached`. `over` when it has said `released`."""

    def __init__(self, conversation: Conversation) -> None:
        self.over = False
        self.reason = ""  # why the session ended; empty for one that goes on
        self._conversation = conversation
        self._separate: Link | None = None
        self._link, self._inlet = conversation.link, conversation.inlet
        if conversation.link.descriptors:
            self._separate = self._link = adopt(conversation.link.descriptors.pop())
            self._inlet = Inlet(self._link)
        self._inlet.data = True

    def send(self, type_: str) -> None:
        self._check()
        send_all(self._link, Message(type_).encode(), PATIENCE)

    def run(
        self, execution: Execution, timeout: float | None, interrupts: Interrupts | None
    ) -> None:
        """Drive an execution to its end. Problem; code `closed` if the session ends before it."""
        self._check()
        pump = Pump(execution, self._link, self._inlet, self._take, interrupts)
        try:
            pump.run(timeout)
        except EOFError:
            self.await_release()
            raise self._closed() from None
        except ProtocolProblem as problem:
            raise self._break(problem) from problem
        except OSError as error:
            raise self._lose(error) from error

    def hear(self, type_: str) -> Message:
        """The session's next message of that type. Problem if it says `failed` or ends."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next(deadline)
            if message is None:
                self.await_release()
                raise self._closed()
            if message.type == type_:
                return message
            self._take(message)

    def await_release(self) -> None:
        """Until the host says that we are no longer attached."""
        deadline = time.monotonic() + PATIENCE
        while not self.over:
            message = self._next(deadline)
            if message is None:
                self._note_release(self._hear_host())
            elif message.type == "closing":
                self.reason = self.reason or message.text("reason")
            elif message.type == "released" and self._separate is None:
                self._conversation.turn.host_says(message.type)
                self._note_release(message)

    def give_up(self) -> None:
        """Leave without a word: nobody knows what is under way here."""
        self.over = True
        if self._separate is not None:
            self._separate.close()
        self._conversation.close()

    def _take(self, message: Message) -> None:
        """What a session says besides an execution's own messages."""
        if message.type == "closing":
            self.reason = message.text("reason")
            self.await_release()
            raise self._closed()
        if message.type == "released" and self._separate is None:
            self._conversation.turn.host_says(message.type)
            self._note_release(message)
            raise self._closed()
        if message.type == "failed":
            raise Problem(message.text("code"), message.text("message"))
        if message.type not in ("pong", "started", "exited"):  # the latter of one that was left
            raise ProtocolProblem(f"{message.type} from a session")

    def _next(self, deadline: float) -> Message | None:
        """The next message; output and acknowledgements are dropped. None at the end."""
        try:
            while True:
                while (frame := self._inlet.take()) is not None:
                    if isinstance(frame, Frame) and frame.kind == CONTROL:
                        return parse_message(frame)
                if not self._link.wait(max(0.0, deadline - time.monotonic())):
                    host = self._conversation.host
                    raise Problem("unavailable", f"{host} does not release the session; gave up")
                if not self._inlet.fill():
                    if self._separate is None:
                        self._inlet.check_end()
                    return None
        except ProtocolProblem as problem:
            raise self._break(problem) from problem
        except OSError as error:
            raise self._lose(error) from error

    def _hear_host(self) -> Message:
        """`released` beside a session's own connection, after its end."""
        if self._separate is None:
            raise self._lose(ConnectionError("the host closed it"))
        self._separate.close()  # the session waits for our end of it
        released = self._conversation.hear()
        if released.type != "released":
            raise self._break(ProtocolProblem(f"{released.type} out of turn"))
        return released

    def _note_release(self, released: Message) -> None:
        self.over = True
        self._inlet.data = False
        if released.flag("gone"):
            self.reason = self.reason or released.text("reason") or "it ended"
        if self._separate is not None:
            self._separate.close()

    def _check(self) -> None:
        if self.over:
            raise self._closed()

    def _closed(self) -> Problem:
        return Problem("closed", f"the session is over: {self.reason or 'detached'}")

    def _break(self, problem: ProtocolProblem) -> Problem:
        self.give_up()
        return broken(self._conversation.host, problem)

    def _lose(self, error: OSError) -> Problem:
        self.give_up()
        return lost(self._conversation.host, error)
