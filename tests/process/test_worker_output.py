"""The worker's output: bounded, in order, exactly once, whatever is cut in between."""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

from remit.wire.frame import ACK, CONTROL, DATA, STDERR, STDIN, STDOUT
from remit.wire.message import parse_message
from tests.process.worker_process import (
    MEBIBYTE,
    PATIENCE,
    Outcome,
    Peer,
    WorkerProcess,
    policy_frame,
    settle,
)


def test_much_output_and_a_slow_reader(worker: WorkerProcess, client: Peer) -> None:
    """A hundred megabytes, of which the worker never holds more than its buffer."""
    size, seen, most, outcome = 100 * MEBIBYTE, 0, 0, hashlib.sha256()
    client.say("run", id="big", argv=["zeros", "-c", str(size)], stdin=False)
    channel = client.hear("started").number("channel")
    for frame in client.frames():
        if frame.kind == ACK:  # that no input is read
            continue
        if frame.kind != DATA:
            break
        outcome.update(frame.body)
        seen += len(frame.body)
        if seen % (4 * MEBIBYTE) < len(frame.body):
            time.sleep(0.01)  # sleeps: a slow reader
            most = max(most, worker.memory("Anonymous"))
            client.acknowledge(channel, STDOUT, seen)
    assert frame.kind == CONTROL
    client.confirm(parse_message(frame))
    assert (seen, outcome.digest()) == (size, hashlib.sha256(bytes(size)).digest())
    assert most < 24 * 1024, f"{most} KiB"
    client.say("ping")
    client.hear("pong")
    print(f"at most {most} KiB with 8 MiB unconfirmed, {worker.memory('Anonymous')} KiB after")
    assert worker.memory("Anonymous") < 9 * 1024


def test_a_reader_that_does_not_confirm_stops_the_command(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, policy_frame(buffer=2 * MEBIBYTE)) as worker:
        client = worker.attach()
        client.say("run", id="big", argv=["zeros", "-c", str(8 * MEBIBYTE)], stdin=False)
        channel, seen = client.hear("started").number("channel"), 0
        client.socket.settimeout(0.5)
        try:
            while (frame := client.frame()) is not None:
                seen += len(frame.body)
        except TimeoutError:
            pass
        assert 2 * MEBIBYTE <= seen <= 2 * MEBIBYTE + 256 * 1024
        client.socket.settimeout(PATIENCE)
        client.acknowledge(channel, STDOUT, seen)
        outcome = Outcome()
        outcome.streams[STDOUT] += bytes(seen)
        assert len(client.collect(outcome).stdout) == 8 * MEBIBYTE


def test_dropping_loses_the_oldest_and_stops_nothing(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, policy_frame(buffer=MEBIBYTE, when_full="drop")) as worker:
        lost = worker.attach()
        lost.start("sh", "-c", "sleep 0.3; seq 1 1000000", id_="long")
        lost.close()
        worker.state(attached="", running="")
        back = worker.attach("b")
        back.hear("started")
        unread, first = back.frame(), back.frame()
        assert unread is not None
        assert (unread.kind, unread.stream) == (ACK, STDIN)
        assert first is not None
        assert first.offset > 0
        end, position = first.offset + len(first.body), first.offset
        while (frame := back.frame()) is not None and frame.kind == DATA:
            assert frame.offset == end
            end += len(frame.body)
        assert frame is not None
        exited = parse_message(frame)
        assert exited.number("stdout") == end == 6888896
        assert end - position <= MEBIBYTE
        back.confirm(exited)


def test_reattaching_anywhere_gives_the_same_bytes(worker: WorkerProcess) -> None:
    """Cut at random bytes, also within frames: nothing is missing and nothing comes twice."""
    chance = random.Random(7)
    script = (
        "i=0; while [ $i -lt 3000 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done; exit 5"
    )
    expected = Outcome()
    expected.streams[STDOUT] += b"".join(b"line %d\n" % i for i in range(3000))
    expected.streams[STDERR] += b"".join(b"err %d\n" % i for i in range(3000))
    kept, confirmed = Outcome(), {STDOUT: 0, STDERR: 0}
    peer = worker.attach("0")
    peer.start("sh", "-c", script, id_="long")
    for number in range(1, 12):
        cut = chance.randrange(1, 6000)
        channel = _take_some(peer, kept, cut)
        for stream, data in kept.streams.items():  # confirm less than what came, and keep just that
            del data[chance.randrange(max(confirmed[stream], len(data) - 500), len(data) + 1) :]
            confirmed[stream] = len(data)
            peer.acknowledge(channel, stream, len(data)) if channel else None
        settle(peer)
        peer.close()
        peer = worker.attach(str(number))
        assert peer.hear("started").text("id") == "long"
    assert peer.collect(kept).end.number("status") == 5
    assert (kept.stdout, kept.stderr) == (expected.stdout, expected.stderr)


def _take_some(peer: Peer, kept: Outcome, count: int) -> int:
    """Take DATA frames until so many bytes have come, or all; the channel."""
    channel = 0
    for frame in peer.frames():
        if frame.kind != DATA:
            break
        channel = frame.channel
        stream = kept.streams[frame.stream]
        assert frame.offset == len(stream)
        stream += frame.body
        count -= len(frame.body)
        if count <= 0:
            break
    return channel


def test_the_exit_status_waits_for_its_client(worker: WorkerProcess) -> None:
    client = worker.attach()
    client.start("sh", "-c", "sleep 0.2; echo late; exit 7", id_="last")
    client.close()
    state = worker.state(attached="", running="")
    assert state["kept"] is True  # nobody may lose what he asked for
    for attachment in ("b", "c"):  # exited is repeated until it is confirmed
        back = worker.attach(attachment)
        assert back.hear("started").text("id") == "last"
        outcome = back.collect(confirm=False)
        assert (outcome.stdout, outcome.end.number("status")) == (b"late\n", 7)
        if attachment == "c":
            back.confirm(outcome.end)
            settle(back)
        back.close()
    last = worker.attach("d")
    settle(last)  # nothing but the pong


def test_a_request_that_is_sent_again_is_not_run_again(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with WorkerProcess(tmp_path, policy_frame()) as worker:
        client = worker.attach()
        argv = ["sh", "-c", f"echo run >>{trace}; echo out"]
        first = client.run(*argv, id_="once")
        client.say("run", id="once", argv=argv, stdin=False)
        client.hear("started")
        assert client.collect().end.fields == first.end.fields | {"channel": 1}
        client.close()
        again = worker.attach("b")
        again.say("run", id="once", argv=argv, stdin=False)
        assert again.hear("started").number("channel") == 1
        assert again.hear("exited").number("status") == 0
        assert trace.read_text() == "run\n"
