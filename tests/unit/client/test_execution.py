"""One command's account of what has come and what is owed."""

from __future__ import annotations

import errno

import pytest

from remit.client.execution import Execution
from remit.client.inlet import Piece
from remit.client.input import WINDOW, Source
from remit.client.output import Sink, WriterSink
from remit.wire.frame import ACK, CONTROL, HEADER, STDERR, STDIN, STDOUT, Frame, FrameReader
from remit.wire.message import Message, parse_message
from remit.wire.problem import Problem, ProtocolProblem


def started(source: Source | None = None, out: Sink | None = None) -> Execution:
    execution = Execution("a-1", (out or Sink(), Sink()), source)
    hear(execution, "started", id="a-1", channel=4)
    return execution


def hear(execution: Execution, type_: str, **fields: object) -> Message | None:
    message = Message(type_, **fields).encode()
    return execution.take(Frame(CONTROL, body=message[HEADER.size :]))


def output(execution: Execution, body: bytes, offset: int = 0, stream: int = STDOUT) -> None:
    execution.take(Piece(stream, 4, offset, memoryview(body)))


def said(execution: Execution) -> list[Frame]:
    frames = list(FrameReader().feed(bytes(execution.outgoing)))
    execution.outgoing.clear()
    return frames


def test_request() -> None:
    execution = Execution("a-1", (Sink(), Sink()), None)
    execution.start(["systemctl", "status"])
    message = parse_message(said(execution)[0])
    assert message.type == "run"
    assert message.fields == {"id": "a-1", "argv": ["systemctl", "status"], "stdin": False}


def test_a_whole_command() -> None:
    execution = started()
    output(execution, b"one ")
    output(execution, b"two", 4)
    output(execution, b"oh", 0, STDERR)
    execution.acknowledge()
    assert [(f.kind, f.stream, f.offset) for f in said(execution)] == [
        (ACK, STDOUT, 7),
        (ACK, STDERR, 2),
    ]
    hear(execution, "exited", id="a-1", channel=4, status=3, stdout=7, stderr=2)
    assert execution.is_over()
    assert execution.status == 3
    assert execution.streams[STDOUT].sink.kept == b"one two"


def test_output_may_come_after_exited() -> None:
    execution = started()
    hear(execution, "exited", id="a-1", channel=4, signal=9, stdout=2, stderr=0)
    assert not execution.is_over()
    output(execution, b"ab")
    assert execution.is_over()
    assert (execution.status, execution.signal) == (None, 9)


@pytest.mark.parametrize("offset", [0, 3])
def test_output_twice_or_with_a_gap(offset: int) -> None:
    execution = started()
    output(execution, b"ab")
    with pytest.raises(ProtocolProblem):
        output(execution, b"cd", offset)


def test_too_much_output() -> None:
    execution = started()
    output(execution, b"abc")
    with pytest.raises(ProtocolProblem):
        hear(execution, "exited", id="a-1", channel=4, status=0, stdout=2, stderr=0)


@pytest.mark.parametrize("how", [{}, {"status": 0, "signal": 9}])
def test_exited_with_neither_or_both(how: dict[str, int]) -> None:
    with pytest.raises(ProtocolProblem):
        hear(started(), "exited", id="a-1", channel=4, stdout=0, stderr=0, **how)


def test_what_belongs_to_another_client_is_left_alone() -> None:
    execution = started()
    execution.take(Piece(STDOUT, 3, 99, memoryview(b"lost")))
    assert hear(execution, "exited", id="b-9", channel=3, status=0, stdout=9, stderr=0) is not None
    assert not execution.is_owing()
    assert not execution.is_over()


def test_refusal() -> None:
    with pytest.raises(Problem, match="no such thing") as caught:
        hear(started(), "failed", id="a-1", code="unknown-command", message="no such thing")
    assert caught.value.status == 127


def test_a_broken_writer_cancels_and_the_rest_is_received() -> None:
    def write(_: bytes) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    execution = started(out=WriterSink(write))
    output(execution, b"ab")
    output(execution, b"cd", 2)
    assert [parse_message(frame).type for frame in said(execution)] == ["cancel"]
    hear(execution, "exited", id="a-1", channel=4, signal=2, stdout=4, stderr=0)
    assert execution.is_over()


def test_input_waits_for_the_start_and_keeps_to_its_window() -> None:
    source = Source.from_bytes(b"x" * (WINDOW + 1))
    execution = Execution("a-1", (Sink(), Sink()), source)
    assert not execution.wants_input()
    hear(execution, "started", id="a-1", channel=4)
    while execution.wants_input():
        execution.send_input()
    frames = said(execution)
    assert sum(len(frame.body) for frame in frames) == WINDOW
    execution.take(Frame(ACK, STDIN, 4, WINDOW))
    while execution.wants_input():
        execution.send_input()
    assert [frame.body for frame in said(execution)] == [b"x", b""]


def test_input_that_is_not_wanted_is_not_read() -> None:
    source = Source.from_bytes(b"precious")
    execution = started(source)
    execution.take(Frame(ACK, STDIN, 4, 2**64 - 1))
    assert not execution.wants_input()
