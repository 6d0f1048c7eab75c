"""The control conversation with one host: messages said and heard, in turn.

Owns the order (wire.turn), deadlines and what a lost connection is called. Does not know what the
messages are for.
"""

from __future__ import annotations

import time

from remit.client.inlet import Inlet, Piece
from remit.client.link import Link
from remit.client.render import clean
from remit.wire.frame import Frame
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem, ProtocolProblem
from remit.wire.turn import Turn

PATIENCE = 60.0  # seconds for one answer: PAM modules may delay, a session's unit has to start


class Conversation:
    """What is said to one host over one link. `host` is its name for a person."""

    def __init__(self, link: Link, host: str) -> None:
        self.link = link
        self.inlet = Inlet(link)
        self.turn = Turn()
        self.host = host
        self._ahead: list[str] = []  # said, and its turn has not come

    def say(self, type_: str, **fields: object) -> None:
        self.say_ahead(Message(type_, **fields))

    def say_ahead(self, *messages: Message) -> None:
        """Say the first, and at once what would follow on any answer: a round trip is saved."""
        self.turn.client_says(messages[0].type)
        self._ahead += [message.type for message in messages[1:]]
        send_all(self.link, b"".join(message.encode() for message in messages), PATIENCE)

    def hear(self, timeout: float = PATIENCE) -> Message:
        """The host's next message, if it is its turn. Problem if it says `failed` or nothing."""
        message = self._parse(self._next_frame(time.monotonic() + timeout, timeout))
        self.turn.host_says(message.type)
        if self._ahead and self.turn.state != "over":
            self.turn.client_says(self._ahead.pop(0))
        if message.type == "failed":
            raise Problem(message.text("code"), message.text("message"))
        return message

    def close(self) -> None:
        self.link.close()

    def _next_frame(self, deadline: float, timeout: float) -> Frame:
        while True:
            frame = self.take()
            if frame is not None:
                return frame
            if not self.link.wait(max(0.0, deadline - time.monotonic())):
                raise Problem(
                    "unavailable", f"{self.host} has said nothing for {timeout:.0f} s; gave up"
                )
            try:
                size = self.inlet.fill()
            except OSError as error:
                raise lost(self.host, error) from error
            if not size:
                self._check_end()

    def take(self) -> Frame | None:
        """The next control frame that is complete."""
        try:
            frame = self.inlet.take()
            if isinstance(frame, Piece):
                raise ProtocolProblem("output while not attached")
        except ProtocolProblem as problem:
            raise self._broken(problem) from problem
        return frame

    def _check_end(self) -> None:
        try:
            self.inlet.check_end()
        except ProtocolProblem as problem:
            raise self._broken(problem) from problem
        raise Problem("unavailable", f"{self.host} closed the connection")

    def _parse(self, frame: Frame) -> Message:
        try:
            return parse_message(frame)
        except ProtocolProblem as problem:
            raise self._broken(problem) from problem

    def _broken(self, problem: ProtocolProblem) -> Problem:
        return broken(self.host, problem)


def send_all(link: Link, data: bytes, patience: float) -> None:
    """Send all of it. A connection that is already lost says so when it is heard from: the host's
    last words may still be there."""
    rest = memoryview(data)
    try:
        while rest:
            sent = link.send(rest)
            rest = rest[sent:]
            if rest and not sent and not link.wait_sendable(patience):
                raise Problem("unavailable", f"the host has taken nothing for {patience:.0f} s")
    except (ConnectionError, BrokenPipeError):
        return


def lost(host: str, error: OSError) -> Problem:
    reason = clean(error.strerror or str(error) or type(error).__name__)
    return Problem("unavailable", f"the connection to {host} was lost: {reason}")


def broken(host: str, problem: ProtocolProblem) -> Problem:
    """For a host that does not keep to the protocol: not remit, or not one we understand."""
    return Problem(
        "protocol",
        f"{host} does not speak remit's protocol: found {clean(problem.message)}; "
        "expected a remit host there (is the port right?)",
    )
