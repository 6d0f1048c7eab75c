"""`remit` as a process against a scripted host: what comes out, and with which status."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.gateway.settings import Caps, Settings
from tests.process.client_program import PROGRAM, Client
from tests.process.gate import Gate
from tests.process.scripted_host import (
    BackendConversation,
    Certificate,
    local_host,
    remote_host,
)
from tests.process.scripted_session import SESSION, Script, pattern

REMOTE = "web-admin@127.0.0.1"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.fixture(params=["remote", "local", "gate"])
def target(
    request: pytest.FixtureRequest, client: Client, tmp_path: Path
) -> Iterator[tuple[str, Script]]:
    """The same behaviour is expected over TLS, over the local socket, and through a real gate."""
    script = Script()
    if request.param == "local":
        with local_host(tmp_path / "local.sock", script):
            yield "web-admin", script
    elif request.param == "gate":
        settings = Settings(caps=Caps(tolerated=1e9))
        with (
            Gate(tmp_path, settings) as gate,
            local_host(Path(gate.settings.backend), script, BackendConversation),
        ):
            client.know(gate.port, gate.wait_for("serving").split()[-1])
            yield REMOTE, script
    else:
        certificate = Certificate(tmp_path, "host")
        with remote_host(certificate, script) as host:
            client.know(host.port, certificate.fingerprint)
            yield REMOTE, script


Target = tuple[str, Script]


def test_output_goes_where_it_belongs(client: Client, target: Target) -> None:
    result = client.run("run", target[0], "both")
    assert (result.returncode, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert target[1].acknowledged == {1: 4, 2: 4}


def test_words_are_passed_verbatim(client: Client, target: Target) -> None:
    words = ["echo", "-s", "--help", "", "$HOME *", "ä\t", "--"]
    client.run("run", target[0], "--", *words)
    runs = [message for message in target[1].heard if message.type == "run"]
    assert [message.texts("argv") for message in runs] == [words]


def test_temporary_session_is_closed_and_waited_for(client: Client, target: Target) -> None:
    client.run("run", target[0], "echo")
    said = [message.type for message in target[1].heard]
    assert said[-4:] == ["open", "run", "close", "goodbye"]
    opened = next(message for message in target[1].heard if message.type == "open")
    assert opened.fields == {"endpoint": "web-admin", "kept": False, "attach": True}


def test_session_is_left_as_it_is(client: Client, target: Target) -> None:
    session = target[0].replace("web-admin", "up")
    assert client.run("run", "-s", session, "echo", "x").stdout == b"x\n"
    target[1].wait_heard("goodbye", 1)
    said = [message.type for message in target[1].heard]
    assert said[-4:] == ["attach", "run", "detach", "goodbye"]


def test_request_ids_never_repeat(client: Client, target: Target) -> None:
    """A session answers an id that it knows, and runs nothing."""
    session = target[0].replace("web-admin", "up")
    for _ in range(2):
        client.run("run", "-s", session, "echo")
    ids = [message.text("id") for message in target[1].heard if message.type == "run"]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "how, number, status", [("status", 0, 0), ("status", 77, 77), ("signal", 15, 143)]
)
def test_exit_status(client: Client, target: Target, how: str, number: int, status: int) -> None:
    assert client.run("run", target[0], "exit", how, str(number)).returncode == status


@pytest.mark.parametrize(
    "code, status",
    [("refused", 126), ("unknown-command", 127), ("busy", 125), ("failed-start", 126)],
)
def test_refusals(client: Client, target: Target, code: str, status: int) -> None:
    text = "refused: x -l\\n                ^^ not expected here"
    result = client.run("run", target[0], "fail", code, text)
    assert result.returncode == status
    assert result.stderr.decode() == f"remit: {text}\n".replace("\\n", "\n")
    assert not result.stdout
    target[1].wait_heard("goodbye", 1)
    assert target[1].heard[-2].type == "close"


def test_nothing_that_a_host_says_passes_for_a_line_of_ours(client: Client, target: Target) -> None:
    text = "no\\nremit: all is well\\n remit: it is\\n    so"
    result = client.run("run", target[0], "fail", "refused", text)
    assert result.stderr == b"remit: no\n  remit: all is well\n   remit: it is\n    so\n"


@pytest.mark.parametrize("size, step", [(1, 7), (8191, 16383), (65536, 65537), (262144, 999)])
def test_every_byte_arrives(client: Client, target: Target, size: int, step: int) -> None:
    count = 3000 if size == 1 else 2_000_001
    target[1].step = step
    result = client.run("run", target[0], "bulk", str(count), str(size))
    assert result.returncode == 0
    assert result.stdout == pattern(0, count)
    assert target[1].acknowledged[1] == count


@pytest.mark.parametrize("count", [0, 1, 1_000_003])
def test_input_is_streamed(client: Client, target: Target, count: int) -> None:
    content = pattern(0, count)
    result = client.run("run", target[0], "cat", stdin=content)
    assert (result.returncode, result.stdout) == (0, content)


def test_input_that_nobody_wants_is_left_for_others(client: Client, target: Target) -> None:
    with client.start("run", target[0], "deaf") as process:
        assert read_line(process) == b"no input, thanks\n"
        assert process.stdin
        process.stdin.write(b"for somebody else")
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert not target[1].received


@pytest.mark.parametrize("times", [1, 2])
def test_interrupts_cancel(client: Client, target: Target, times: int) -> None:
    with client.start("run", target[0], "wait", str(times)) as process:
        assert read_line(process) == b"waiting\n"
        for said in range(times):
            process.send_signal(signal.SIGINT)
            target[1].wait_heard("cancel", said + 1)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, b"")
    target[1].wait_heard("goodbye", 1)
    assert target[1].heard[-2].type == "close"


def test_the_third_interrupt_does_not_ask(client: Client, target: Target) -> None:
    with client.start("run", target[0], "wait", "99") as process:
        assert read_line(process) == b"waiting\n"
        for said in range(2):
            process.send_signal(signal.SIGINT)
            target[1].wait_heard("cancel", said + 1)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    return process.stdout.readline()


def test_timeout(client: Client, target: Target) -> None:
    result = client.run("run", "--timeout", "1", target[0], "wait", "1")
    assert (result.returncode, result.stdout) == (124, b"waiting\n")
    assert result.stderr == b"remit: the command was cancelled after 1s, as --timeout says\n"


def test_reader_that_leaves(client: Client, target: Target) -> None:
    with client.start("run", target[0], "bulk", "5000000", "60000") as process:
        assert process.stdout
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(20) == 141
    assert target[1].count("cancel") == 1


def test_standard_output_that_is_full(client: Client, target: Target) -> None:
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [PROGRAM, "run", target[0], "both"],
            env=client.environment, stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    assert process.returncode == 255
    assert b"standard output: No space left on device" in process.stderr


def test_closed_standard_streams_are_not_taken_by_the_connection(
    client: Client, target: Target
) -> None:
    command = f'exec "$0" run {target[0]} both <&- >&- 2>&-'
    process = subprocess.run(["sh", "-c", command, PROGRAM], env=client.environment, timeout=20)
    assert process.returncode == 3
    assert not target[1].received


def test_session_that_ends(client: Client, target: Target) -> None:
    result = client.run("run", target[0], "end")
    assert (result.returncode, result.stdout) == (125, b"last words\n")
    assert b"remit: the session is over: idle for 2h" in result.stderr


def test_host_that_dies_in_the_middle_of_a_frame(client: Client, target: Target) -> None:
    """A gate passes whole frames on, and remitd tells what became of the session."""
    result = client.run("run", target[0], "torn")
    assert (b"all of it\n" * 10).startswith(result.stdout)
    assert result.returncode in (125, 255)
    assert result.stderr.startswith(b"remit: ")


def test_output_with_a_gap(client: Client, target: Target) -> None:
    result = client.run("run", target[0], "gap")
    assert (result.returncode, result.stdout) == (255, b"")
    assert b"does not speak remit's protocol" in result.stderr


def test_endpoint_that_is_not_there(client: Client, target: Target) -> None:
    result = client.run("run", target[0].replace("web", "db"), "echo")
    assert (result.returncode, result.stderr) == (126, b"remit: no such endpoint for you\n")


def test_lists(client: Client, target: Target) -> None:
    host = [target[0].partition("@")[2]] if "@" in target[0] else []
    result = client.run("endpoints", *host)
    assert result.stdout.split()[:3] == [b"ENDPOINT", b"HOST", b"DESCRIPTION"]
    assert b"Watch the web tier" in result.stdout
    found = json.loads(client.run("endpoints", *host, "--json").stdout)
    assert [row["name"] for row in found] == ["web-admin"]
    assert client.run("commands", target[0]).stdout == b"echo  Say it\n    echo [TEXT...]\n"


def test_list_of_sessions(client: Client, target: Target) -> None:
    session = {"id": SESSION, "name": "up", "endpoint": "web-admin", "state": "Disconnected",
               "availability": "None", "running": "", "idle_for": 61, "expires_in": -1}  # fmt: skip
    target[1].sessions.append(session)
    host = [target[0].partition("@")[2]] if "@" in target[0] else []
    lines = client.run("list", *host).stdout.decode().splitlines()
    assert lines[0].split() == [
        "ID", "NAME", "ENDPOINT", "HOST", "STATE", "AVAILABILITY", "RUNNING", "IDLE", "EXPIRES",
    ]  # fmt: skip
    assert lines[1].split()[:3] == ["01234567", "up", "web-admin"]
    assert lines[1].split()[4:] == ["Disconnected", "None", "-", "1m", "1s", "-"]
    assert json.loads(client.run("list", *host, "--json").stdout)[0]["id"] == SESSION


@pytest.mark.parametrize(
    "session", ["\x1b]0;owned\x07", "A" * 32, "0" * 31, "0" * 32 + "\n", "\u0660" * 32, ""]
)
def test_session_id_that_is_none(client: Client, target: Target, session: str) -> None:
    target[1].session = session
    target[1].sessions.append({"id": session})
    kept, host = target[0].replace("web-admin", "up"), target[0].partition("@")[2]
    for words in (
        ["new", target[0]],
        ["run", target[0], "echo"],
        ["run", "-s", kept, "echo"],
        ["list", *filter(None, [host])],
    ):
        result = client.run(*words)
        assert (result.returncode, result.stdout) == (255, b"")
        assert b"a session's id that is none" in result.stderr


def test_new_and_remove(client: Client, target: Target) -> None:
    result = client.run("new", target[0], "--name", "up", "--idle-timeout", "30m")
    assert result.stdout.decode().startswith(SESSION)
    opened = next(message for message in target[1].heard if message.type == "open")
    assert (opened.text("name"), opened.number("idle_timeout")) == ("up", 1800)
    assert opened.flag("kept")
    assert not opened.flag("attach")
    session = target[0].replace("web-admin", "up")
    assert client.run("remove", "-s", session).returncode == 0
    result = client.run("remove", "-s", session.replace("up", "down"), session)
    assert (result.returncode, result.stderr.count(b"remit: down")) == (125, 1)


@pytest.mark.parametrize(
    "words, said",
    [
        ([], b"usage: remit VERB"),
        (["rum"], b"did you mean run?"),
        (["enter", "web"], b"not in this version"),
        (["--user", "x"], b"options follow the verb"),
        (["run"], b"expected TARGET and COMMAND"),
        (["run", "web-admin"], b"found no command"),
        (["run", "-s", "up"], b"found no command"),
        (["run", "a@b,c", "x"], b"one at a time"),
        (["new"], b"expected remit new TARGET"),
        (["commands"], b"either TARGET or -s SESSION"),
        (["trust", "a", "b"], b'found "b"'),
        (["run", "web-admin", "x" * 5000], b"5000 characters"),
        (["run", "web-admin", *"x" * 300], b"300 words"),
    ],
)
def test_usage_errors(client: Client, words: list[str], said: bytes) -> None:
    result = client.run(*words)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.startswith(b"remit: ")
    assert not result.stdout


def test_help_and_version(client: Client) -> None:
    assert client.run("--version").stdout == b"remit 0.1.0\n"
    assert client.run("--help").stdout == client.run("help").stdout
    assert client.run("help", "run").stdout == client.run("run", "--help").stdout


def test_no_local_service(client: Client) -> None:
    result = client.run("list")
    assert result.returncode == 255
    assert b"is remit installed" in result.stderr
