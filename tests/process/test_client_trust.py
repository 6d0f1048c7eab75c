"""Whom `remit` trusts, whom it asks, and that nothing is said before."""

from __future__ import annotations

import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.client_program import Client
from tests.process.scripted_host import Certificate, Host, remote_host
from tests.process.scripted_session import Script

REMOTE = "web-admin@127.0.0.1"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "host")


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def host(client: Client, certificate: Certificate, script: Script) -> Iterator[Host]:
    """Not known to the client yet."""
    with remote_host(certificate, script) as host:
        client.environment["REMIT_PORT"] = str(host.port)
        yield host


def test_first_meeting_without_a_terminal(
    client: Client, host: Host, certificate: Certificate, script: Script
) -> None:
    result = client.run("run", REMOTE, "echo")
    assert (result.returncode, result.stdout) == (255, b"")
    cure = f"remit trust 127.0.0.1:{host.port} --fingerprint {certificate.fingerprint}"
    assert cure in result.stderr.decode()
    assert not script.heard
    assert not client.known_hosts.exists()
    assert client.run(*cure.split()[1:]).returncode == 0
    assert client.run("run", REMOTE, "echo", "x").stdout == b"x\n"


def test_fingerprint_for_one_time(client: Client, host: Host, certificate: Certificate) -> None:
    words = ["--fingerprint", certificate.fingerprint, REMOTE, "echo", "x"]
    assert client.run("run", *words).stdout == b"x\n"
    assert not client.known_hosts.exists()


def test_wrong_fingerprint(client: Client, host: Host, script: Script) -> None:
    for verb in (["run", REMOTE, "--fingerprint"], ["trust", "127.0.0.1", "--fingerprint"]):
        words = [verb[0], verb[2], "SHA256:" + "x" * 43, verb[1]]
        result = client.run(*words, *(["echo"] if verb[0] == "run" else []))
        assert result.returncode == 255
        assert b"is not the host you meant; nothing was sent" in result.stderr
    assert not script.heard
    assert not client.known_hosts.exists()


@pytest.mark.parametrize("answer", ["yes", "fingerprint"])
def test_first_meeting_at_a_terminal(
    client: Client, host: Host, certificate: Certificate, answer: str
) -> None:
    with client.sit_down("run", REMOTE, "echo", "hello") as person:
        person.expect(certificate.fingerprint)
        person.expect("(yes/no/[fingerprint])? ")
        person.type("what?\n")
        person.expect('Please answer "yes", "no" or the fingerprint: ')
        person.type((answer if answer == "yes" else certificate.fingerprint) + "\n")
        person.expect("hello")
        assert person.leave() == 0
    expected = f"127.0.0.1:{host.port} {certificate.fingerprint}\n"
    assert client.known_hosts.read_text() == expected
    assert stat.S_IMODE(client.known_hosts.stat().st_mode) == 0o600
    with client.sit_down("run", REMOTE, "echo", "again") as person:
        assert person.leave() == 0
    assert person.seen == "again\r\n"


@pytest.mark.parametrize("answer", ["no\n", "SHA256:wrong\n", "\x04"])
def test_first_meeting_that_goes_no_further(
    client: Client, host: Host, script: Script, answer: str
) -> None:
    with client.sit_down("run", REMOTE, "echo", "hello") as person:
        person.expect("(yes/no/[fingerprint])? ")
        person.type(answer)
        assert person.leave() == 255
    assert "is not trusted; nothing was sent to it" in person.seen
    assert not script.heard
    assert not client.known_hosts.exists()


def test_changed_certificate(client: Client, host: Host, script: Script) -> None:
    client.know(host.port, "SHA256:" + "x" * 43)
    for _ in range(2):
        with client.sit_down("run", REMOTE, "echo", "hello") as person:
            assert person.leave() == 255
        assert "HAS CHANGED" in person.seen
        assert f"{client.known_hosts}:1" in person.seen
    assert not script.heard
    result = client.run("run", REMOTE, "echo")
    cure = next(line for line in result.stderr.decode().splitlines() if "remit trust" in line)
    assert client.run(*cure.split()[1:]).returncode == 0
    assert client.run("run", REMOTE, "echo", "x").stdout == b"x\n"
    assert len(client.known_hosts.read_text().splitlines()) == 1


def test_authority(client: Client, tmp_path: Path, script: Script) -> None:
    """--ca is enough, for the names in the certificate; a stale pin does not matter then."""
    authority = Certificate(tmp_path, "authority")
    issued = Certificate(tmp_path, "issued", authority)
    with remote_host(issued, script, "0.0.0.0") as host:
        client.environment["REMIT_PORT"] = str(host.port)
        ca = ["--ca", str(authority.path)]
        assert client.run("run", *ca, REMOTE, "echo", "x").stdout == b"x\n"
        result = client.run("run", *ca, "web-admin@127.0.0.2", "echo")
        assert result.returncode == 255
        assert b"is not known here" in result.stderr
        client.know(host.port, "SHA256:" + "x" * 43)
        assert client.run("run", *ca, REMOTE, "echo", "x").stdout == b"x\n"
        assert client.run("run", REMOTE, "echo", "x").returncode == 255


def test_a_pin_is_stronger_than_the_systems_authorities(
    client: Client, tmp_path: Path, script: Script
) -> None:
    authority = Certificate(tmp_path, "authority")
    issued = Certificate(tmp_path, "issued", authority)
    client.environment["SSL_CERT_FILE"] = str(authority.path)
    with remote_host(issued, script) as host:
        client.environment["REMIT_PORT"] = str(host.port)
        assert client.run("run", REMOTE, "echo", "x").stdout == b"x\n"
        client.know(host.port, "SHA256:" + "x" * 43)
        heard = len(script.heard)
        result = client.run("run", REMOTE, "echo", "x")
        assert result.returncode == 255
        assert b"HAS CHANGED" in result.stderr
        assert len(script.heard) == heard
        words = ["--fingerprint", issued.fingerprint, REMOTE, "echo", "x"]
        assert client.run("run", *words).stdout == b"x\n"


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nno\n"])
def test_unfit_authority(client: Client, host: Host, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    result = client.run("run", "--ca", str(path), REMOTE, "echo")
    assert result.returncode == 255
    assert result.stderr.decode().startswith(f"remit: --ca: {path}: ")


def test_ipv6(client: Client, certificate: Certificate, script: Script) -> None:
    with remote_host(certificate, script, "::1") as host:
        words = ["--fingerprint", certificate.fingerprint]
        client.run("trust", f"[::1]:{host.port}", *words)
        assert client.known_hosts.read_text().startswith(f"[::1]:{host.port} ")
        result = client.run("new", f"web-admin@[::1]:{host.port}")
        assert result.stdout.decode().endswith(f"@[::1]:{host.port}\n")


@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 64, b""]
)
def test_something_else_answers(client: Client, host: Host, script: Script, before: bytes) -> None:
    script.before = before
    result = client.run("run", REMOTE, "echo")
    assert result.returncode == 255
    assert b"expected a remit host there (is the port right?)" in result.stderr
    assert result.stderr.count(b"\n") == 1


def test_older_tls(client: Client, host: Host, script: Script) -> None:
    host.offer_tls_1_2_only()
    result = client.run("run", REMOTE, "echo")
    assert result.returncode == 255
    assert b"does not offer TLS 1.3" in result.stderr


def test_nobody_there(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = client.run("run", f"{REMOTE}:{port}", "echo")
    assert result.returncode == 255
    assert b"Connection refused; expected a remit host" in result.stderr
    result = client.run("run", "web-admin@nobody.invalid", "echo")
    assert result.returncode == 255
    assert b"nobody.invalid is not found" in result.stderr


class TestPrompts:
    """With the host known."""

    @pytest.fixture(autouse=True)
    def _known(self, client: Client, host: Host, certificate: Certificate) -> None:
        client.know(host.port, certificate.fingerprint)

    def test_wrong_password_in_a_file(self, client: Client, script: Script) -> None:
        client.password_file.write_text("wrong\n")
        result = client.run("run", REMOTE, "echo")
        assert (result.returncode, result.stderr) == (255, b"remit: permission denied\n")
        assert script.count("answer") == 1

    @pytest.mark.parametrize(
        "content, mode, said",
        [
            ("secret\n", 0o644, "chmod 600"),
            ("secret\n", 0o620, "chmod 600"),
            ("\nsecret\n", 0o600, "expected a password"),
        ],
    )
    def test_unfit_password_file(
        self, client: Client, script: Script, content: str, mode: int, said: str
    ) -> None:
        client.password_file.write_text(content)
        client.password_file.chmod(mode)
        result = client.run("run", REMOTE, "echo")
        assert result.returncode == 255
        assert said in result.stderr.decode()
        assert not script.count("answer")

    def test_password_without_terminal_or_file(self, client: Client) -> None:
        result = client.run("run", REMOTE, "echo", REMIT_PASSWORD_FILE="")
        assert result.returncode == 255
        assert b'ann@127.0.0.1 is asked "Password:"' in result.stderr
        assert b"give --password-file FILE" in result.stderr

    def test_password_at_a_terminal(self, client: Client) -> None:
        del client.environment["REMIT_PASSWORD_FILE"]
        with client.sit_down("run", REMOTE, "echo", "hello") as person:
            for _ in range(2):
                person.expect("(ann@127.0.0.1) Password: ")
                assert not person.echoes()
                person.type("wrong\n")
                person.expect("remit: permission denied; try again")
            person.expect("(ann@127.0.0.1) Password: ")
            person.type("secret\n")
            person.expect("hello")
            assert person.leave() == 0
            assert person.is_as_before()
        assert "wrong" not in person.seen
        assert "secret" not in person.seen

    def test_three_tries(self, client: Client, script: Script) -> None:
        del client.environment["REMIT_PASSWORD_FILE"]
        with client.sit_down("run", REMOTE, "echo") as person:
            for tries in range(3):
                person.expect("Password: ")
                person.type("wrong\n")
                script.wait_heard("answer", tries + 1)
            assert person.leave() == 255
        assert person.seen.count("try again") == 2

    @pytest.mark.parametrize(
        "number, status", [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1)]
    )
    def test_signals_bring_the_echo_back(
        self, client: Client, number: signal.Signals, status: int
    ) -> None:
        del client.environment["REMIT_PASSWORD_FILE"]
        with client.sit_down("run", REMOTE, "echo") as person:
            person.expect("Password: ")
            person.program.send_signal(number)
            assert person.leave() == status
            assert person.is_as_before()

    def test_question_comes_again_after_a_stop(self, client: Client) -> None:
        """Here the stop itself is discarded by the kernel: nobody could continue the program."""
        del client.environment["REMIT_PASSWORD_FILE"]
        with client.sit_down("run", REMOTE, "echo", "hello") as person:
            person.expect("Password: ")
            person.program.send_signal(signal.SIGTSTP)
            person.expect("Password: ")
            assert not person.echoes()
            person.type("secret\n")
            person.expect("hello")
            assert person.leave() == 0

    def test_end_of_input_at_the_prompt(self, client: Client, script: Script) -> None:
        del client.environment["REMIT_PASSWORD_FILE"]
        with client.sit_down("run", REMOTE, "echo") as person:
            person.expect("Password: ")
            person.type("\x04")
            assert person.leave() == 255
            assert person.is_as_before()
        assert not script.count("answer")

    def test_several_rounds(self, client: Client, script: Script) -> None:
        """The file answers the first secret question, the person the rest; nothing the host says
        reaches the terminal uncleaned."""
        script.questions = (
            ("info", "Welcome\x1b]0;owned\x07", ""),
            ("secret", "Password: ", "secret"),
            ("visible", "One-time \u202ecode: ", "123456"),
            ("error", "Your password expires tomorrow", ""),
        )
        with client.sit_down("run", REMOTE, "echo", "hello") as person:
            person.expect("One-time \\u202ecode: ")
            assert person.echoes()
            person.type("123456\n")
            person.expect("hello")
            assert person.leave() == 0
        assert "remit: ann@127.0.0.1: Welcome\\x1b]0;owned\\x07" in person.seen
        assert "remit: ann@127.0.0.1: Your password expires tomorrow" in person.seen
        assert "\x1b" not in person.seen

    def test_questions_without_end(self, client: Client, script: Script) -> None:
        script.questions = (("info", "again", ""),) * 100
        result = client.run("run", REMOTE, "echo")
        assert result.returncode == 255
        assert b"more than 16 questions" in result.stderr
