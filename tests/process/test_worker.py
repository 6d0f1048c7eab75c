"""The worker and its commands, real ones: what runs, what it reads, and how all of it ends."""

from __future__ import annotations

import os
import random
import re
import signal
import time

import pytest

from remit.wire.frame import ACK, CONTROL, DATA, STDIN, STDOUT
from remit.worker.pipes import UNWANTED
from tests.process.worker_process import (
    MEBIBYTE,
    Outcome,
    Peer,
    WorkerProcess,
    pieces,
    settle,
)

# Running


def test_output_status_and_error_are_apart(client: Peer) -> None:
    outcome = client.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert outcome.end.fields | {"id": ""} == {
        "id": "", "channel": 1, "status": 3, "stdout": 4, "stderr": 4,
    }  # fmt: skip


def test_a_signal_is_not_a_status(client: Peer) -> None:
    end = client.run("sh", "-c", "kill -9 $$").end
    assert (end.number("signal"), end.has("status")) == (signal.SIGKILL, False)


def test_the_vector_is_passed_verbatim_after_what_is_inserted(client: Peer) -> None:
    assert client.run("echo", "$HOME", "a  b", "`id`", "*").stdout == b"said: $HOME a  b `id` *\n"

INTERNAL = 0x180000000  # signals 32 and 33 are the C library's; its posix_spawn ignores them


def test_the_environment_is_built_from_nothing(worker: WorkerProcess, client: Peer) -> None:
    found = client.run("env").stdout.decode().split()
    assert sorted(found) == [
        "LANG=C.UTF-8", "OWN=yes", "PATH=/usr/bin:/bin", "REMIT_PEER=192.0.2.1", "REMIT_USER=ann",
    ]  # fmt: skip
    script = "pwd; ls -l /proc/self/fd; tail -n1 /proc/self/cgroup; grep Sig.[gl] /proc/self/status"
    text = client.run("sh", "-c", script).stdout.decode()
    assert text.startswith("/\n")
    assert text.count("->") == 4  # its three streams, and the directory that ls itself reads
    assert f"/{worker.cgroup.name}/command-" in text
    ignored = re.search(r"SigIgn:\t([0-9a-f]+)", text)
    assert ignored
    assert not int(ignored[1], 16) & ~INTERNAL


def test_a_command_is_no_child_of_a_terminal_and_leads_its_session(client: Peer) -> None:
    ids = client.run("sh", "-c", "ps -o pid= -o pgid= -o sid= -p $$").stdout.split()
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_a_program_that_cannot_be_executed(worker: WorkerProcess, client: Peer) -> None:
    missing, plain = client.run("nowhere").end, client.run("notes").end
    assert missing.fields["code"] == plain.fields["code"] == "failed-start"
    assert missing.text("message") == (
        "nowhere could not start (/usr/bin/no-such-program): No such file or directory"
    )
    assert plain.text("message") == "notes could not start (/etc/passwd): Permission denied"
    assert client.run("true").end.number("status") == 0
    assert worker.processes() == []


def test_what_is_not_allowed_is_not_run(worker: WorkerProcess, client: Peer) -> None:
    unknown = client.run("reboot").end
    assert unknown.fields["code"] == "unknown-command"
    assert unknown.text("message").startswith("reboot is not in test")
    refused = client.run("true", "--version").end
    assert refused.fields["code"] == "refused"
    assert "allowed: true" in refused.text("message")
    assert worker.event("refused")["command"] == "reboot"
    event = worker.event("refused")
    assert (event["command"], event["code"]) == ("true --version", "refused")
    assert client.run("true").end.number("status") == 0
    allowed = worker.event("allowed")
    assert (allowed["command"], allowed["role"], allowed["user"]) == (
        "/usr/bin/true",
        "tester",
        "ann",
    )
    assert worker.event("exited")["reason"] == "status 0"


def test_only_the_host_knows_users_and_paths(client: Peer) -> None:
    assert (
        client.run("id", "root").end.fields["code"] == "refused"
    )  # not by accident of min_uid = 0
    assert client.run("id", "daemon").end.number("status") == 0
    assert client.run("id", "nobody-of-this-name").end.fields["code"] == "refused"
    assert client.run("ls", "/usr/lib/os-release").end.fields["code"] == "refused"  # a file
    assert client.run("ls", "/usr/lib/../bin").end.fields["code"] == "refused"
    assert client.run("ls", "/usr/lib/systemd").end.number("status") == 0


def test_a_path_is_never_looked_up_in_one_directory_and_opened_in_another(client: Peer) -> None:
    assert client.run("ls", "usr/lib").end.number("status") == 0  # from the session's directory
    assert client.run("ls-there", "/usr/lib").end.number("status") == 0
    refused = client.run("ls-there", "usr/lib").end
    assert refused.fields["code"] == "refused"
    assert "takes absolute paths only" in refused.text("message")


def test_one_command_at_a_time(worker: WorkerProcess, client: Peer) -> None:
    first, _ = client.start("sleep", "60")
    busy = client.run("true", id_="second").end
    assert (busy.fields["code"], busy.fields["id"]) == ("busy", "second")
    assert "sleep 60 is running" in busy.text("message")
    client.say("cancel", id=first)
    assert client.collect().end.number("signal") == signal.SIGINT
    assert client.run("true", id_="second").end.number("status") == 0  # it had not been judged


def test_a_command_that_takes_too_long(client: Peer) -> None:
    assert client.run("brief", "60").end.number("status") == 124


def test_commands_are_told(client: Peer) -> None:
    client.say("commands")
    commands = client.hear("command-list").tables("commands")
    assert {"true", "echo", "cat"} <= {str(command["name"]) for command in commands}


# Input


def test_input_is_passed_through_to_its_end(client: Peer) -> None:
    data = random.Random(1).randbytes(3 * MEBIBYTE)
    _, channel = client.start("cat", stdin=True)
    outcome, disposed = Outcome(), 0
    for offset, piece in pieces(data):
        client.feed(channel, offset, piece)
        while disposed < offset + len(piece):
            frame = client.frame()
            assert frame is not None
            if frame.kind == DATA:
                assert frame.offset == len(outcome.streams[STDOUT])
                outcome.streams[STDOUT] += frame.body
                client.acknowledge(channel, STDOUT, len(outcome.streams[STDOUT]))
            elif frame.kind != CONTROL:
                disposed = frame.offset
    client.feed(channel, len(data), b"")
    assert client.collect(outcome).end.number("status") == 0
    assert outcome.stdout == data


def test_input_goes_nowhere_without_the_role_s_word(client: Peer) -> None:
    _, channel = client.start("deaf", stdin=True)
    word = client.frame()
    assert word is not None
    assert (word.kind, word.stream, word.offset) == (ACK, STDIN, UNWANTED), "send no more of it"
    client.feed(channel, 0, b"secret")
    assert client.collect().stdout == b""


def test_input_for_a_command_that_does_not_read_blocks_nobody(client: Peer) -> None:
    id_, channel = client.start("sleep", "60")
    client.feed(channel, 0, bytes(1000))
    client.say("ping")
    client.wait_for("pong")
    client.say("cancel", id=id_)
    assert client.collect().end.number("signal") == signal.SIGINT
    client.feed(channel, 1000, bytes(1000))  # it crossed the end on its way
    assert client.run("true").end.number("status") == 0


@pytest.mark.parametrize("offset, size", [(1, 1), (0, 256 * 1024 + 1)])
def test_input_out_of_order_or_out_of_window(worker: WorkerProcess, offset: int, size: int) -> None:
    with_gap = worker.attach()
    _, channel = with_gap.start("cat", stdin=True)
    os.kill(worker.processes()[0], signal.SIGSTOP)
    for start, piece in pieces(bytes(size)):
        with_gap.feed(channel, offset + start, piece)
    if size > 1:  # the pipe takes some; what is more than the window ahead of that is too much
        for start, piece in pieces(bytes(size)):
            with_gap.feed(channel, size + start, piece)
    assert with_gap.wait_for("failed").fields["code"] == "protocol"
    worker.attach("b").say("close")
    assert worker.wait() == 0


# Ending


@pytest.mark.parametrize("ignored, expected", [("", "INT"), ("INT", "TERM"), ("INT TERM", "KILL")])
def test_cancel_grows_stronger(client: Peer, ignored: str, expected: str) -> None:
    trap = f"trap '' {ignored}; " if ignored else ""
    id_, outcome = _start_loop(client, trap)
    began = time.monotonic()
    client.say("cancel", id=id_)
    end = client.collect(outcome).end
    assert end.number("signal") == getattr(signal, "SIG" + expected)
    assert time.monotonic() - began >= {"INT": 0.0, "TERM": 1.0, "KILL": 2.0}[expected]


def _start_loop(client: Peer, trap: str) -> tuple[str, Outcome]:
    """A command that never ends; it has set its traps."""
    id_, _ = client.start("sh", "-c", trap + "echo armed; while :; do sleep 0.05; done")
    outcome = Outcome()
    while not outcome.stdout:
        frame = client.frame()
        assert frame is not None
        outcome.streams[STDOUT] += frame.body
    return id_, outcome


def test_cancel_of_what_does_not_run_does_nothing(client: Peer) -> None:
    client.say("cancel", id="never")
    assert client.run("true").end.number("status") == 0


def test_nothing_stays_behind(worker: WorkerProcess, client: Peer) -> None:
    script = "sleep 600 & setsid sleep 601 & (trap '' TERM INT HUP; sleep 602) & echo started"
    outcome = client.run("sh", "-c", script)
    assert (outcome.stdout, outcome.end.number("status")) == (b"started\n", 0)
    assert worker.processes() == []
    settle(client)
    assert len(worker.groups()) == 1  # the next command's


def test_a_group_made_by_the_command_goes_too(worker: WorkerProcess, client: Peer) -> None:
    inner = f"{worker.cgroup}/command-1/inner"
    script = f"mkdir {inner}; echo $$ >{inner}/cgroup.procs; sleep 600 & echo started"
    assert client.run("sh", "-c", script).stdout == b"started\n"
    assert worker.processes() == []
    settle(client)
    assert worker.groups() == {"command-2"}


def test_the_session_ends_with_all_that_runs(worker: WorkerProcess, client: Peer) -> None:
    _, outcome = _start_loop(client, "trap '' TERM; ")
    worker.monitor.say("end", reason="removed by you")
    assert client.collect(outcome, confirm=False).end.number("signal") == signal.SIGKILL
    assert client.hear("closing").text("reason") == "removed by you"
    client.hear_end()
    client.close()
    assert worker.monitor.wait_for("ending").text("reason") == "removed by you"
    worker.monitor.hear_end()
    worker.monitor.close()
    assert worker.wait() == 0


def test_close_says_why_and_leaves(worker: WorkerProcess, client: Peer) -> None:
    client.say("close")
    assert client.hear("closing").text("reason") == "closed by ann"
    client.hear_end()
    client.close()
    state = worker.state(ending=True, attached="")
    assert state["running"] == ""
    assert worker.monitor.wait_for("ending").text("reason") == "closed by ann"
    worker.monitor.hear_end()
    worker.monitor.close()
    began = time.monotonic()
    assert worker.wait() == 0
    assert time.monotonic() - began < 1


def test_a_stopped_unit_says_so(worker: WorkerProcess, client: Peer) -> None:
    settle(client)
    worker.process.send_signal(signal.SIGTERM)
    assert client.wait_for("closing").text("reason") == "stopped by the host"
    assert worker.wait() == 0
