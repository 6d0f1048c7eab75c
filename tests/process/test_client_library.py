"""`import remit`: the client for programs, against a scripted host."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import remit
from remit.client import connection as connections
from remit.client import pump, trust
from tests.process.scripted_host import Certificate, Host, remote_host
from tests.process.scripted_session import SESSION, Script, pattern
from tests.tree import DEBIANS_PYTHON, SERVICE


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "host")


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def host(certificate: Certificate, script: Script) -> Iterator[Host]:
    with remote_host(certificate, script) as host:
        yield host


@pytest.fixture
def connection(host: Host, certificate: Certificate) -> Iterator[remit.Connection]:
    with connect(host, certificate) as connection:
        yield connection


def connect(
    host: Host, certificate: Certificate, password: str = "secret", endpoint: str = "web-admin"
) -> remit.Connection:
    return remit.connect(
        f"{endpoint}@127.0.0.1",
        port=host.port,
        user="ann",
        password=password,
        fingerprint=certificate.fingerprint,
    )


def test_a_visit(connection: remit.Connection) -> None:
    assert (connection.user, connection.host) == ("ann", "127.0.0.1")
    assert [each["name"] for each in connection.endpoints()] == ["web-admin"]
    assert [each["name"] for each in connection.commands()] == ["echo"]
    with connection.open() as session:
        assert session.id == SESSION
        for word in ("one", "two"):
            result = session.run(["echo", word])
            assert (result.status, result.signal) == (0, 0)
            assert (result.stdout, result.stderr) == (word.encode() + b"\n", b"")
    assert connection.sessions() == []
    assert connection.new(name="up") == SESSION
    connection.remove("up")


def test_a_kept_session_is_detached(connection: remit.Connection, script: Script) -> None:
    with connection.open(kept=True) as session:
        session.run(["echo"])
    with connection.attach("up") as session:
        session.run(["echo"])
    assert script.count("close") == 0
    assert script.count("detach") == 2


def test_a_refusal_leaves_the_session_usable(connection: remit.Connection) -> None:
    with connection.open() as session:
        with pytest.raises(remit.Problem) as caught:
            session.run(["fail", "refused", "no such thing"])
        assert (caught.value.code, caught.value.message) == ("refused", "no such thing")
        assert session.run(["echo", "still"]).stdout == b"still\n"


def test_the_end_of_a_session_leaves_the_connection_usable(connection: remit.Connection) -> None:
    with connection.open() as session:
        with pytest.raises(remit.Problem, match="idle for 2h") as caught:
            session.run(["end"])
        assert caught.value.code == "closed"
        with pytest.raises(remit.Problem, match="idle for 2h"):
            session.run(["echo"])
    assert connection.endpoints()


def test_input_and_writers(connection: remit.Connection) -> None:
    content = pattern(0, 700_001)
    with connection.open() as session:
        assert session.run(["cat"], stdin=content).stdout == content
        file = io.BytesIO()
        result = session.run(["cat"], stdin=content, stdout=file.write)
        assert (file.getvalue(), result.stdout) == (content, b"")


def test_timeout(connection: remit.Connection) -> None:
    with connection.open() as session:
        result = session.run(["wait", "1"], timeout=0.1)
        assert result.timed_out
        assert (result.status, result.signal) == (130, 2)
        assert session.run(["echo", "still"]).stdout == b"still\n"


def test_signal(connection: remit.Connection) -> None:
    with connection.open() as session:
        result = session.run(["exit", "signal", "9"])
        assert (result.status, result.signal) == (137, 9)


def test_password_may_be_asked_for(host: Host, certificate: Certificate, script: Script) -> None:
    script.questions += (("visible", "Code: ", "42"),)
    asked = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "42" if prompt == "Code: " else "secret"

    with remit.connect(
        f"web-admin@127.0.0.1:{host.port}",
        user="ann",
        password=answer,
        fingerprint=certificate.fingerprint,
    ):
        assert asked == ["Password: ", "Code: "]


@pytest.mark.parametrize(
    "password, code", [("wrong", "denied"), (None, "denied")]
)  # fmt: skip
def test_denied(host: Host, certificate: Certificate, password: str | None, code: str) -> None:
    with pytest.raises(remit.Problem) as caught:
        remit.connect(
            "@127.0.0.1", port=host.port, user="ann", password=password,
            fingerprint=certificate.fingerprint,
        )  # fmt: skip
    assert (caught.value.code, caught.value.status) == (code, 255)


def test_unknown_host_is_never_asked_about(host: Host, tmp_path: Path, script: Script) -> None:
    with pytest.raises(remit.Problem) as caught:
        remit.connect("@127.0.0.1", port=host.port, known_hosts=str(tmp_path / "none"))
    assert caught.value.code == "untrusted"
    assert not script.heard


def test_silence_before_tls(
    host: Host, certificate: Certificate, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "CONNECT_SECONDS", 0.2)
    script.silent = True
    with pytest.raises(remit.Problem, match="no answer within 0 s; expected a remit host"):
        connect(host, certificate)


def test_silence_after_tls(
    host: Host, certificate: Certificate, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "GREETING_SECONDS", 0.2)
    script.mute = True
    with pytest.raises(remit.Problem, match="has said nothing") as caught:
        connect(host, certificate)
    assert caught.value.code == "unavailable"


def test_host_that_vanishes_is_noticed(
    connection: remit.Connection, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "BEAT", 0.05)
    session = connection.open()
    with pytest.raises(remit.Problem, match="no sign of life"):
        session.run(["mute"])
    assert script.count("ping") == pump.MISSED_BEATS


def test_a_beat_keeps_a_quiet_command_alive(
    connection: remit.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "BEAT", 0.05)
    with connection.open() as session:
        assert session.run(["ponder", "8"]).status == 0


@pytest.mark.parametrize(
    "module, never",
    [
        ("remit", {"remit.client", "remit.wire", "json", "socket"}),
        ("remit.client.cli", {"json", "socket", "ssl", "typing", "re", "enum"}),
        ("remit.client.running", {"ssl", "typing", "dataclasses", "argparse", "termios", "signal"}),
        ("remit.client.trust", {"typing", "dataclasses", "asyncio", "argparse", "getpass"}),
    ],
)
def test_nothing_dear_is_imported_early(module: str, never: set[str]) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1]); __import__(sys.argv[2]); print(*sys.modules)"
    )
    run = subprocess.run(
        [DEBIANS_PYTHON, "-ISBc", program, str(SERVICE), module],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not never & set(run.stdout.split())
