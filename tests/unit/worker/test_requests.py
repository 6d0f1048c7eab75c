"""What is remembered of requests, and how one client is told of them."""

from __future__ import annotations

import pytest

from remit.wire.frame import DATA, STDERR, STDOUT, FrameReader
from remit.wire.message import parse_message
from remit.wire.problem import Problem, ProtocolProblem
from remit.worker.delivery import Delivery
from remit.worker.output import Budget
from remit.worker.request import MAX_REMEMBERED, MAX_UNSETTLED, Request, Requests


def requests() -> Requests:
    return Requests(Budget(1 << 20, drops=False))


def told(delivery: Delivery, room: int = 1 << 20) -> list[tuple[object, ...]]:
    """What the client reads: messages by type, data by stream, offset and bytes."""
    data = b"".join(bytes(part) for part in delivery.take(room))
    return [
        (frame.stream, frame.offset, frame.body)
        if frame.kind == DATA
        else (parse_message(frame).type,)
        for frame in FrameReader().feed(data)
    ]


def started(asked: Requests, id_: str = "a") -> Request:
    request = asked.add(id_)
    request.started = True
    return request


def test_started_then_output_then_the_end() -> None:
    request = started(requests())
    delivery = Delivery(request)
    assert told(delivery) == [("started",)]
    request.logs[STDOUT].append(b"out")
    request.logs[STDERR].append(b"err")
    assert told(delivery) == [(STDERR, 0, b"err"), (STDOUT, 0, b"out")]
    request.logs[STDOUT].append(b"more")
    request.end(0)
    assert told(delivery) == [(STDOUT, 3, b"more"), ("exited",)]
    assert told(delivery) == []


def test_the_end_waits_for_all_output() -> None:
    request = started(requests())
    request.logs[STDOUT].append(bytes(5000))
    request.logs[STDOUT].append(bytes(5000))
    request.end(-9)
    delivery = Delivery(request)
    assert [each[0] for each in told(delivery, room=100)] == ["started", STDOUT]
    assert [each[0] for each in told(delivery, room=100)] == [STDOUT, "exited"]


def test_nothing_of_what_has_not_started() -> None:
    assert told(Delivery(requests().add("a"))) == []


def test_confirmed_and_told_is_settled() -> None:
    request = started(requests())
    request.logs[STDOUT].append(b"out")
    delivery = Delivery(request)
    told(delivery)
    request.end(0)
    delivery.acknowledge(STDOUT, 3)
    settled = [request.settled]  # nobody has heard of its end
    told(delivery)
    delivery.acknowledge(STDERR, 0)
    settled.append(request.settled)
    assert settled == [False, True]
    assert delivery.is_done


def test_told_but_not_confirmed_is_told_again() -> None:
    request = started(requests())
    request.logs[STDOUT].append(b"0123456789")
    request.end(1)
    first = Delivery(request)
    told(first)
    first.acknowledge(STDOUT, 4)
    assert told(Delivery(request)) == [("started",), (STDOUT, 4, b"456789"), ("exited",)]


def test_beyond_what_was_sent_nothing_can_be_confirmed() -> None:
    request = started(requests())
    delivery = Delivery(request)
    request.logs[STDOUT].append(b"out")
    with pytest.raises(ProtocolProblem, match="beyond"):
        delivery.acknowledge(STDOUT, 1)
    with pytest.raises(ProtocolProblem):
        delivery.acknowledge(0, 0)


def test_a_failure_is_told_once_and_owed_to_nobody() -> None:
    request = requests().add("a")
    request.fail(Problem("refused", "no"))
    delivery = Delivery(request)
    assert told(delivery) == [("failed",)]
    assert told(delivery) == []
    delivery.repeat()
    assert told(delivery) == [("failed",)]


def test_the_map_is_bounded_and_never_forgets_what_is_owed() -> None:
    asked = requests()
    owed = asked.add("owed")
    for number in range(2 * MAX_REMEMBERED):
        asked.add(str(number)).fail(Problem("refused", "no"))
    assert asked.find("owed") is owed
    assert asked.find("0") is None
    assert asked.find(str(2 * MAX_REMEMBERED - 1)) is not None


def test_too_many_unconfirmed_answers() -> None:
    asked = requests()
    for number in range(MAX_UNSETTLED):
        asked.add(str(number))
    assert asked.has_room()
    asked.add("one more")
    assert not asked.has_room()


def test_channels_differ_and_come_round() -> None:
    asked = requests()
    first = asked.add("first")
    assert first.channel == 1
    for number in range(65534):
        asked.add(str(number)).fail(Problem("refused", "no"))
    assert asked.add("round").channel == 2  # 1 is still in use
