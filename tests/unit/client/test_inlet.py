"""Frames and parts of frames out of a link that gives what it likes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.client.inlet import Inlet, Piece
from remit.client.link import Link
from remit.wire.frame import CONTROL, DATA, MAX_CONTROL, STDOUT, Frame, encode_ack
from remit.wire.message import Message
from remit.wire.problem import ProtocolProblem


class Pair:
    """An inlet and the socket that feeds it."""

    def __init__(self, data: bool = True) -> None:
        self.theirs, ours = socket.socketpair()
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.link = Link(ours)
        self.inlet = Inlet(self.link, data)

    def take_all(self) -> Iterator[Frame | Piece]:
        while (frame := self.inlet.take()) is not None:
            yield frame

    def close(self) -> None:
        self.theirs.close()
        self.link.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


@settings(deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=40), max_size=8),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=30),
)
def test_any_cutting_gives_the_same(bodies: list[bytes], cuts: list[int]) -> None:
    pair = Pair()
    stream, position = b"", 0
    for body in bodies:
        stream += Frame(DATA, STDOUT, 7, position, body).encode() + Message("pong").encode()
        position += len(body)
    got, messages, sent = bytearray(), 0, 0
    for cut in [*cuts, len(stream)]:
        pair.theirs.sendall(stream[sent : sent + cut])
        sent += cut
        pair.inlet.fill()
        for frame in pair.take_all():
            if isinstance(frame, Piece):
                assert (frame.offset, frame.channel) == (len(got), 7)
                got += frame.body
            else:
                messages += frame.kind == CONTROL
    assert bytes(got) == b"".join(bodies)
    assert messages == len(bodies)
    assert pair.inlet.is_between_frames()
    pair.close()


def test_nothing_and_the_end_differ(pair: Pair) -> None:
    assert pair.inlet.fill() == -1
    pair.theirs.close()
    assert pair.inlet.fill() == 0
    pair.inlet.check_end()


def test_the_end_in_the_middle_of_a_frame(pair: Pair) -> None:
    pair.theirs.sendall(Frame(DATA, STDOUT, 1, 0, b"abc").encode()[:-1])
    pair.inlet.fill()
    assert [bytes(p.body) for p in pair.take_all() if isinstance(p, Piece)] == [b"ab"]
    with pytest.raises(ProtocolProblem, match="middle of a frame"):
        pair.inlet.check_end()


def test_the_largest_control_frame_fits(pair: Pair) -> None:
    body = b"x" * MAX_CONTROL
    rest = Frame(CONTROL, body=body).encode()
    frames: list[Frame | Piece] = []
    while rest:
        rest = rest[pair.theirs.send(rest[:100000]) :]
        pair.inlet.fill()
        frames += pair.take_all()
    while not frames:
        assert pair.inlet.fill() > 0
        frames += pair.take_all()
    assert isinstance(frames[0], Frame)
    assert frames[0].body == body


@pytest.mark.parametrize(
    "frame",
    [Frame(9), Frame(CONTROL, stream=1), Frame(DATA, 7), Frame(CONTROL, offset=1)],
)
def test_bad_headers_end_it(pair: Pair, frame: Frame) -> None:
    pair.theirs.sendall(frame.encode())
    pair.inlet.fill()
    with pytest.raises(ProtocolProblem):
        pair.inlet.take()


def test_no_data_in_a_conversation() -> None:
    pair = Pair(data=False)
    pair.theirs.sendall(encode_ack(STDOUT, 1, 1))
    pair.inlet.fill()
    with pytest.raises(ProtocolProblem):
        pair.inlet.take()
    pair.close()
