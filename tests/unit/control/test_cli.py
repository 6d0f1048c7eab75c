"""remitctl as it is called: what it prints where, and its exit status."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remit.control import cli, client
from remit.control.check import Checker
from remit.wire.frame import FrameReader
from remit.wire.message import Message, parse_message

Output = pytest.CaptureFixture[str]
PROBLEM = {
    "file": "/etc/remit/endpoints/web.toml",
    "key": "roles",
    "found": "nothing",
    "expected": "a table [roles]",
    "hint": "write one",
}
SHOWN = "/etc/remit/endpoints/web.toml: roles: found nothing, expected a table [roles] (write one)"
STATUS = {
    "version": "0.1",
    "fingerprint": "SHA256:abc",
    "endpoints": [
        {"name": "host-status", "state": "loaded", "problems": []},
        {"name": "web", "state": "kept", "problems": [PROBLEM]},
    ],
    "sessions": [
        {"id": "0a", "owner": "anna", "endpoint": "web", "availability": "Busy", "name": "up"}
    ],
}


@contextmanager
def remitd(path: Path, answer: Callable[[Message], bytes]) -> Iterator[None]:
    """A peer on the control socket that answers one request."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=(listener, answer))
        thread.start()
        yield
        thread.join(10)


def serve(listener: socket.socket, answer: Callable[[Message], bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        (frame,) = FrameReader().feed(connection.recv(65536))
        connection.sendall(answer(parse_message(frame)))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where remitctl looks for remitd in this test."""
    path = tmp_path / "control.sock"
    monkeypatch.setattr(client, "SOCKET", str(path))
    return path


def test_status(path: Path, capsys: Output) -> None:
    with remitd(path, lambda _: Message("host-status", status=STATUS).encode()):
        assert cli.main(["status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "remit 0.1",
        "fingerprint  SHA256:abc",
        "endpoints",
        "  host-status              loaded",
        "  web                      kept",
        f"    {SHOWN}",
        "sessions",
        "  0a  anna  web  Busy  up",
    ]


def test_status_as_json(path: Path, capsys: Output) -> None:
    with remitd(path, lambda _: Message("host-status", status=STATUS).encode()):
        assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS


def test_status_of_an_idle_new_host(path: Path, capsys: Output) -> None:
    status: dict[str, object] = {"version": "0.1", "endpoints": [], "sessions": []}
    with remitd(path, lambda _: Message("host-status", status=status).encode()):
        assert cli.main(["status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "remit 0.1",
        "fingerprint  none yet: remit-gate has not started",
        "endpoints",
        "  none",
        "sessions",
        "  none",
    ]


def test_reload(path: Path, capsys: Output) -> None:
    asked = []

    def answer(request: Message) -> bytes:
        asked.append(request.type)
        return Message("reloaded", problems=[]).encode()

    with remitd(path, answer):
        assert cli.main(["reload"]) == 0
    assert asked == ["reload"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("problem", [PROBLEM, {"text": SHOWN}])
def test_reload_with_problems(path: Path, capsys: Output, problem: dict[str, object]) -> None:
    with remitd(path, lambda _: Message("reloaded", problems=[problem]).encode()):
        assert cli.main(["reload"]) == 1
    assert capsys.readouterr() == ("", f"remitctl: {SHOWN}\n")


@pytest.mark.parametrize(
    "answer, message",
    [
        (b"", "remitd did not answer: the connection was closed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "remitd did not answer: a frame of kind"),
        (
            Message("failed", code="internal", message="sorry").encode(),
            "remitd answered: sorry",
        ),
        (
            Message("pong").encode(),
            "remitd answered with pong, expected host-status; is it of another version?",
        ),
    ],
)
def test_wrong_answers(path: Path, capsys: Output, answer: bytes, message: str) -> None:
    with remitd(path, lambda _: answer):
        assert cli.main(["status"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"remitctl: {message}")


@pytest.mark.parametrize("verb", ["status", "reload"])
def test_no_remitd(path: Path, capsys: Output, verb: str) -> None:
    assert cli.main([verb]) == 1
    assert capsys.readouterr().err == (
        f"remitctl: remitd is not running here, nobody listens on {path}; "
        "`systemctl status remitd.service` says why\n"
    )


@pytest.mark.parametrize(
    "arguments", [[], ["chek"], ["check", "--jsn"], ["check", "--js"], ["status", "web"], ["-x"]]
)
def test_misuse(capsys: Output, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("remitctl: ")
    assert err.count("\n") == 1


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with nothing on it, which remitctl takes for this one."""
    monkeypatch.setattr(cli, "Checker", lambda: Checker(str(tmp_path)))
    (tmp_path / "etc/remit/endpoints").mkdir(mode=0o755, parents=True)
    return tmp_path


def test_check(host: Path, capsys: Output) -> None:
    assert cli.main(["check"]) == 0
    assert capsys.readouterr() == ("", "")
    file = host / "etc/remit/endpoints/web.toml"
    file.write_text("descripton = 1")
    file.chmod(0o644)
    assert cli.main(["check"]) == 1
    out, err = capsys.readouterr()
    assert [line.partition(": found")[0] for line in out.splitlines()] == [
        "/etc/remit/endpoints/web.toml: descripton",
        "/etc/remit/endpoints/web.toml: roles",
    ]
    assert err == ""
    assert cli.main(["check", "web", "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems[0] == {
        "file": "/etc/remit/endpoints/web.toml",
        "key": "descripton",
        "found": "an unknown key",
        "expected": "a key of this file",
        "hint": "did you mean description?",
    }


def test_check_of_what_is_not_there(host: Path, capsys: Output) -> None:
    assert cli.main(["check", "web"]) == 1
    assert cli.main(["check", f"{host}/web.toml"]) == 2
    assert capsys.readouterr().err == (
        "remitctl: no endpoint web on this host\n"
        f"remitctl: {host}/web.toml: No such file or directory\n"
    )
