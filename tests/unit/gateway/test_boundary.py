"""Where frames end, in streams that are cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.gateway.boundary import LARGEST, Boundary, whole_frames
from remit.wire.frame import DATA, HEADER, MAX_CONTROL, Frame, encode_ack
from remit.wire.problem import ProtocolProblem

BODIES = st.lists(st.binary(max_size=50), max_size=8)


def stream_of(bodies: list[bytes]) -> bytes:
    return b"".join(Frame(DATA, 1, 1, 0, body).encode() for body in bodies)


def ends_of(bodies: list[bytes]) -> list[int]:
    ends = [0]
    for body in bodies:
        ends.append(ends[-1] + HEADER.size + len(body))
    return ends


@given(BODIES, st.data())
def test_finish_leads_to_the_end_of_the_frame(bodies: list[bytes], data: st.DataObject) -> None:
    stream = stream_of(bodies)
    cut = data.draw(st.integers(0, len(stream)))
    boundary = Boundary()
    for start in range(0, cut, 7):
        boundary.advance(memoryview(stream)[start : min(start + 7, cut)])
    end = next(end for end in ends_of(bodies) if end >= cut)
    assert boundary.is_between_frames() == (cut == end)
    assert boundary.finish(stream[cut:]) == end - cut
    assert boundary.is_between_frames()


@given(BODIES, st.integers(0, 500))
def test_whole_frames_are_those_that_are_there(bodies: list[bytes], cut: int) -> None:
    stream = stream_of(bodies)
    cut = min(cut, len(stream))
    whole = whole_frames(memoryview(stream), cut)
    assert whole == max(end for end in ends_of(bodies) if end <= cut)


def test_finish_goes_on_in_what_comes_later() -> None:
    frame = stream_of([b"0123456789"])
    boundary = Boundary()
    boundary.advance(frame[:5])
    assert boundary.finish(frame[5:20]) == 15
    assert not boundary.is_between_frames()
    assert boundary.finish(frame[20:] + encode_ack(1, 1, 1)) == len(frame) - 20


def test_the_largest_frame_passes_and_no_larger_one() -> None:
    header = memoryview(HEADER.pack(MAX_CONTROL, 1, 0, 0, 0) + bytes(9))
    assert whole_frames(header, len(header)) == 0
    assert HEADER.size + MAX_CONTROL == LARGEST
    with pytest.raises(ProtocolProblem):
        whole_frames(memoryview(HEADER.pack(MAX_CONTROL + 1, 1, 0, 0, 0)), HEADER.size)
