"""A client's conversation with the session: who may say what is one table.

Owns one attached client. What it asks for is the session's to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from remit.wire.frame import ACK, DATA, STDIN, Frame
from remit.wire.message import Message, parse_message
from remit.wire.problem import ProtocolProblem
from remit.worker.connection import Connection, Owner, Part
from remit.worker.delivery import Delivery
from remit.worker.request import Request

MAX_ANSWERS = 64  # that wait for the client to read them; then it is not listened to
MAX_ANSWERED = 1 << 18  # and their bytes


class Desk:
    """What a client may ask of a session."""

    def run(self, message: Message) -> Request:
        """A new request, whatever becomes of it."""
        raise NotImplementedError

    def find(self, id_: str) -> Request | None:
        """A request that was made before."""
        raise NotImplementedError

    def cancel(self, id_: str) -> None:
        raise NotImplementedError

    def commands(self) -> Message:
        """What may be run here."""
        raise NotImplementedError

    def is_behind(self) -> bool:
        """Nothing more can be asked for now."""
        raise NotImplementedError

    def make_room(self) -> None:
        """Output was confirmed: commands that wait for room may go on."""
        raise NotImplementedError

    def detach(self) -> None:
        raise NotImplementedError

    def end(self, reason: str) -> None:
        raise NotImplementedError

    def lose(self, attachment: Attachment, problem: ProtocolProblem | None) -> None:
        raise NotImplementedError


class Attachment(Owner):
    """One client, from remitd's word `client` to its last."""

    def __init__(self, desk: Desk, connection: Connection, first: Message) -> None:
        self.id = first.text("attachment")
        self.user = first.text("user")
        self.peer = first.text("peer")
        self.connection = connection
        self._desk = desk
        self._answers: deque[bytes] = deque()
        self._deliveries: list[Delivery] = []
        self._handlers: dict[str, Callable[[Message], None]] = {
            "run": self._run,
            "cancel": lambda message: desk.cancel(message.text("id")),
            "commands": lambda _: self._answer(desk.commands()),
            "detach": lambda _: desk.detach(),
            "close": lambda _: desk.end(f"closed by {self.user}"),
            "ping": lambda _: self._answer(Message("pong")),
        }

    def deliver(self, request: Request) -> None:
        """Send what there is and will be of a request."""
        self._deliveries.append(Delivery(request))

    def take_output(self, room: int) -> list[Part]:
        taken: list[Part] = list(self._answers)
        self._answers.clear()
        for delivery in self._deliveries:
            parts = delivery.take(room)
            room -= sum(map(len, parts))
            taken += parts
        self._drop_finished()
        return taken

    def is_behind(self) -> bool:
        """Answers wait that the client does not read, or the session can take no more."""
        failed = sum(delivery.is_failure for delivery in self._deliveries)
        waiting = sum(map(len, self._answers))
        too_many = len(self._answers) + failed >= MAX_ANSWERS
        return too_many or waiting >= MAX_ANSWERED or self._desk.is_behind()

    def receive(self, frame: Frame) -> None:
        if frame.kind == DATA:
            self._take_input(frame)
        elif frame.kind == ACK:
            self._acknowledge(frame)
        else:
            message = parse_message(frame)
            handler = self._handlers.get(message.type)
            if handler is None:
                raise ProtocolProblem(f"{message.type} from a client of a session")
            handler(message)

    def lose(self, problem: ProtocolProblem | None) -> None:
        self._desk.lose(self, problem)

    def _run(self, message: Message) -> None:
        for delivery in self._deliveries:
            if delivery.request.id == message.text("id"):
                delivery.repeat()
                break
        else:
            for delivery in self._deliveries:
                delivery.conclude()
            known = self._desk.find(message.text("id"))
            self.deliver(known or self._desk.run(message))
        self.connection.pump()

    def _take_input(self, frame: Frame) -> None:
        if frame.stream != STDIN:
            raise ProtocolProblem(f"data on stream {frame.stream} from a client")
        delivery = self._delivery(frame.channel)
        if delivery is not None and delivery.request.input is not None:
            delivery.request.input.receive(frame.offset, frame.body)

    def _acknowledge(self, frame: Frame) -> None:
        delivery = self._delivery(frame.channel)
        if delivery is not None:
            delivery.acknowledge(frame.stream, frame.offset)
            self._drop_finished()
            self._desk.make_room()

    def _delivery(self, channel: int) -> Delivery | None:
        """None for one that is finished: the client could not know when it sent that."""
        for delivery in self._deliveries:
            if delivery.request.channel == channel:
                return delivery
        return None

    def _drop_finished(self) -> None:
        self._deliveries = [each for each in self._deliveries if not each.is_done]

    def _answer(self, message: Message) -> None:
        self._answers.append(message.encode())
        self.connection.pump()
