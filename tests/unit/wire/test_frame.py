"""Frames: whatever the cuts, the same frames come out; whatever is out of bounds, an error."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.wire.frame import (
    ACK,
    CONTROL,
    DATA,
    HEADER,
    MAX_DATA,
    STDERR,
    STDOUT,
    Frame,
    FrameReader,
    encode_ack,
)
from remit.wire.problem import ProtocolProblem

FRAMES = st.one_of(
    st.builds(Frame, st.just(CONTROL), body=st.binary(max_size=300)),
    st.builds(
        Frame,
        st.just(DATA),
        st.sampled_from([0, STDOUT, STDERR]),
        st.integers(0, 65535),
        st.integers(0, 2**64 - 1),
        st.binary(max_size=300),
    ),
)


def fields(frame: Frame) -> tuple[int, int, int, int, bytes]:
    return frame.kind, frame.stream, frame.channel, frame.offset, frame.body


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 3000), max_size=8))
def test_any_cuts_give_the_same_frames(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    reader = FrameReader()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    found = [frame for start, end in pairwise(edges) for frame in reader.feed(stream[start:end])]
    assert [fields(each) for each in found] == [fields(each) for each in frames]
    assert reader.is_between_frames()


def test_a_reader_left_early_keeps_the_rest_for_whoever_goes_on() -> None:
    first, second = Frame(CONTROL, body=b"{}"), Frame(DATA, STDOUT, 1, 0, b"abc")
    reader = FrameReader()
    for frame in reader.feed(first.encode() + second.encode()):
        assert frame.kind == CONTROL
        break
    assert reader.take_rest() == second.encode()
    assert reader.is_between_frames()


def test_an_acknowledgement_is_a_frame_without_a_body() -> None:
    (frame,) = FrameReader().feed(encode_ack(STDERR, 7, 12345))
    assert fields(frame) == (ACK, STDERR, 7, 12345, b"")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ((8193, CONTROL, 0, 0, 0), "8193 bytes"),
        ((2**32 - 1, CONTROL, 0, 0, 0), "4294967295 bytes"),
        ((2, CONTROL, 1, 0, 0), "with a stream"),
        ((2, CONTROL, 0, 0, 9), "with a stream"),
        ((MAX_DATA + 1, DATA, STDOUT, 1, 0), "with 262145 bytes"),
        ((1, ACK, STDOUT, 1, 0), "with 1 bytes"),
        ((1, DATA, 3, 1, 0), "stream 3"),
        ((0, 0, 0, 0, 0), "kind 0"),
        ((0, 71, 69, 0, 0), "kind 71"),
    ],
)
def test_a_bad_header_is_refused_before_its_body_is_awaited(
    header: tuple[int, int, int, int, int], found: str
) -> None:
    with pytest.raises(ProtocolProblem, match=found):
        list(FrameReader(max_control=8192).feed(HEADER.pack(*header)))


def test_a_reader_for_control_takes_no_data() -> None:
    frame = Frame(DATA, STDOUT, 1, 0, b"x").encode()
    assert list(FrameReader().feed(frame))
    with pytest.raises(ProtocolProblem, match="where it is not expected"):
        list(FrameReader(data=False).feed(frame))
