"""One command in a session, as its client knows it: what has come, what is owed, how it ended.

Owns the streams' positions and their acknowledgement. Does not wait (pump.py does), and does not
know where sinks lead.
"""

from __future__ import annotations

from collections.abc import Sequence

from remit.client.inlet import Piece
from remit.client.input import Source
from remit.client.output import Sink
from remit.wire.frame import ACK, STDERR, STDIN, STDOUT, Frame, encode_ack
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem, ProtocolProblem

ACK_EVERY = 1024 * 1024  # bytes written out and not acknowledged, at most


class Stream:
    """One output stream: how far it has been received and acknowledged, and where it ends."""

    __slots__ = ("acknowledged", "failure", "final", "received", "sink")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.received = 0
        self.acknowledged = 0
        self.final = -1
        self.failure: OSError | None = None

    def take(self, piece: Piece) -> None:
        """Write it out. A sink that fails is not asked again; its stream is received all the
        same, so that the session can be used further."""
        if piece.offset != self.received:
            raise ProtocolProblem(f"output at {piece.offset}, where {self.received} follows")
        if self.failure is None:
            try:
                self.sink.write(piece.body)
            except OSError as error:
                self.failure = error
        self.received += len(piece.body)


class Execution:
    """One `run` and its answers. `outgoing` is what must be sent; whoever sends it, empties it."""

    def __init__(self, id_: str, sinks: tuple[Sink, Sink], source: Source | None) -> None:
        self.id = id_
        self.channel = 0
        self.source = source
        self.status: int | None = None
        self.signal: int | None = None
        self.timed_out = False
        self.streams = {STDOUT: Stream(sinks[0]), STDERR: Stream(sinks[1])}
        self.outgoing = bytearray()
        self._exited = False

    def start(self, argv: Sequence[str]) -> None:
        self._say("run", argv=list(argv), stdin=self.source is not None)

    def cancel(self) -> None:
        """Ask the session to end the command; when asked again it is to be harder."""
        self._say("cancel")

    def is_over(self) -> bool:
        """Whether it has ended and all of its output is here."""
        return self._exited and all(s.received >= s.final for s in self.streams.values())

    def wants_input(self) -> bool:
        """Whether the source should be read now. Not before the session took the command: what is
        on the terminal belongs to whoever asks for it then."""
        return self.source is not None and self.channel != 0 and self.source.is_wanted()

    def send_input(self) -> None:
        """Read the source once; only when `wants_input`."""
        if self.source is not None:
            self.outgoing += self.source.next_frame(self.channel)

    def is_owing(self) -> bool:
        return any(s.received > s.acknowledged for s in self.streams.values())

    def acknowledge(self, least: int = 1) -> None:
        """Acknowledge the streams that owe at least so many bytes."""
        for number, stream in self.streams.items():
            if stream.received - stream.acknowledged >= least:
                self.outgoing += encode_ack(number, self.channel, stream.received)
                stream.acknowledged = stream.received

    def take(self, frame: Frame | Piece) -> Message | None:
        """Note what the session sent; a message that is not about this command is returned.

        Problem if the session refuses the command.
        """
        if isinstance(frame, Piece):
            self._take_output(frame)
        elif frame.kind == ACK:
            if frame.stream == STDIN and frame.channel == self.channel and self.source:
                self.source.acknowledge(frame.offset)
        else:
            return self._take_message(parse_message(frame))
        return None

    def _take_output(self, piece: Piece) -> None:
        if not self.channel or piece.channel != self.channel:
            return  # of a command whose client was lost; not acknowledged, it waits for `receive`
        stream = self.streams.get(piece.stream)
        if stream is None:
            raise ProtocolProblem("output on the stream of input")
        failed = stream.failure is not None
        stream.take(piece)
        if stream.failure is not None and not failed:
            self.cancel()

    def _take_message(self, message: Message) -> Message | None:
        if message.type not in ("started", "exited", "failed") or not self._is_mine(message):
            return message
        if message.type == "failed":
            raise Problem(message.text("code"), message.text("message"))
        if message.type == "started" and not self.channel:
            self.channel = message.number("channel")
        elif message.type == "exited" and message.number("channel") == self.channel:
            self._end(message)
        else:
            raise ProtocolProblem(f"{message.type} out of turn")
        return None

    def _is_mine(self, message: Message) -> bool:
        return message.text("id") == self.id

    def _end(self, message: Message) -> None:
        if message.has("status") == message.has("signal"):
            raise ProtocolProblem("exited with neither or both of status and signal")
        self.status = message.number("status") if message.has("status") else None
        self.signal = message.number("signal") if message.has("signal") else None
        for key, stream in (("stdout", STDOUT), ("stderr", STDERR)):
            self.streams[stream].final = message.number(key)
            if self.streams[stream].received > message.number(key):
                raise ProtocolProblem(f"more {key} than the command wrote")
        self._exited = True

    def _say(self, type_: str, **fields: object) -> None:
        self.outgoing += Message(type_, id=self.id, **fields).encode()
