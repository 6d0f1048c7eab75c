"""Bad input on a booted host: one clear error, a journal event, nothing left, nobody disturbed."""

from __future__ import annotations

import json
import struct

import pytest

from tests.host.person import PORT, Person
from tests.host.test_main_job import TARGET, remit_events

GOOD = """\
description = "A test"
[access]
allow = ["olga"]
[roles]
olga = ["test"]
"""
ROLE = """\
[commands]
true = "/usr/bin/true"
"""

BAD_FILES = [
    ("description = oops", "", "test.toml", "a TOML file"),
    ("colour = 1\n" + GOOD, "", "colour", "unknown key"),
    (GOOD.replace("allow", "alow"), "", "access.alow", 'did you mean allow'),
    (GOOD.replace('["olga"]\n[roles]', '["@no-such-group"]\n[roles]'), "", "access.allow",
     'unknown group "no-such-group"'),
    (GOOD.replace('["olga"]\n[roles]', '["no-such-user"]\n[roles]'), "", "access.allow",
     'unknown user "no-such-user"'),
    (GOOD, 'x = "/usr/bin/no-such-program"', "commands.x", "/usr/bin/no-such-program"),
    (GOOD, 'x = "bin/true"', "commands.x", "absolute"),
    (GOOD, 'x = "/usr/bin/true NOWHERE"', "commands.x", "NOWHERE"),
]  # fmt: skip


@pytest.fixture
def endpoint(operator: Person) -> object:
    """Writes /etc/remit's endpoint and role `test`; takes them away again."""
    host = operator.host

    def write(endpoint: str, role: str = ROLE, mode: int = 0o644) -> None:
        host.write_file("/etc/remit/roles/test.toml", role)
        host.write_file("/etc/remit/endpoints/test.toml", endpoint, mode)

    yield write
    host.run(["rm", "-f", "/etc/remit/roles/test.toml", "/etc/remit/endpoints/test.toml"])
    host.run(["remitctl", "reload"], check=False)


@pytest.mark.allow_journal("remitd.*(test.toml|endpoints reloaded|was not admitted to test)")
@pytest.mark.parametrize(("text", "command", "key", "expected"), BAD_FILES)
def test_a_bad_file_is_named_with_key_found_and_expected(
    operator: Person, endpoint: object, text: str, command: str, key: str, expected: str
) -> None:
    assert callable(endpoint)
    endpoint(text, ROLE + command + "\n")
    host = operator.host
    checked = host.run(["remitctl", "check"], check=False)
    assert checked.returncode == 1
    (line,) = [line for line in (checked.stdout + checked.stderr).splitlines() if key in line]
    assert line.removeprefix("remitctl: ").startswith("/etc/remit/")
    assert "found " in line
    assert "expected " in line
    assert expected in line
    host.run(["remitctl", "reload"], check=False)
    events = [event for event in remit_events(host) if event["REMIT_EVENT"] == "endpoint"]
    assert any(expected in event["MESSAGE"] for event in events)
    operator.remit("run", operator.target("test"), "true", status=126)
    operator.remit("run", operator.target(TARGET), "uptime")


@pytest.mark.allow_journal("remitd.*(test.toml|endpoints reloaded|was not admitted to test)")
def test_a_file_that_others_may_write_is_refused(operator: Person, endpoint: object) -> None:
    assert callable(endpoint)
    endpoint(GOOD, mode=0o666)
    checked = operator.host.run(["remitctl", "check"], check=False)
    assert checked.returncode == 1
    assert "/etc/remit/endpoints/test.toml" in checked.stdout + checked.stderr
    assert "writable by" in checked.stdout + checked.stderr


@pytest.mark.allow_journal("remitd.*(test.toml|endpoints reloaded|was not admitted to test)")
def test_the_last_good_version_stays_in_force_and_a_good_one_replaces_it(
    operator: Person, endpoint: object
) -> None:
    assert callable(endpoint)
    host = operator.host
    endpoint(GOOD)
    host.run(["remitctl", "check"])
    host.run(["remitctl", "reload"])
    session = operator.new("test", "before")
    operator.remit("run", operator.target("test"), "true")
    endpoint("colour = 1\n" + GOOD)
    host.run(["remitctl", "reload"], check=False)
    operator.remit("run", operator.target("test"), "true")
    endpoint(GOOD, '[commands]\nfalse = "/usr/bin/false"\n')
    host.run(["remitctl", "reload"])
    operator.remit("run", operator.target("test"), "false", status=1)
    operator.remit("run", operator.target("test"), "true", status=127)
    operator.remit("run", "-s", session, "true")
    operator.remit("run", "-s", session, "false", status=127)
    operator.remit("remove", "-s", session)


def frame(body: bytes, kind: int = 1) -> bytes:
    return struct.pack("!IBBHQ", len(body), kind, 0, 0, 0) + body


HELLO = frame(json.dumps({"type": "hello", "versions": [1], "software": "t"}).encode())

FRAMES = {
    "oversized": struct.pack("!IBBHQ", 1 << 20, 1, 0, 0, 0),
    "truncated": frame(b'{"type":"hello"')[:-3],
    "not json": frame(b"GET / HTTP/1.1"),
    "deeply nested": frame(b'{"type":"answer","text":' + b"[" * 4000 + b"]" * 4000 + b"}"),
    "duplicate keys": frame(b'{"type":"list","type":"list"}'),
    "unknown kind": frame(b"", 9),
    "data before authentication": frame(b"x", 2),
    "out of turn": HELLO + frame(b'{"type":"list"}'),
    "an answer to nothing": HELLO + frame(b'{"type":"answer","text":"x"}'),
    "the host's own words": HELLO + frame(b'{"type":"authenticated","user":"root"}'),
}

SPEAK = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
raw = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
connection = context.wrap_socket(raw)
connection.sendall(bytes.fromhex(sys.argv[3]))
if sys.argv[4] == "half":
    connection.settimeout(1)
    try:
        connection.unwrap()  # says close_notify: the end of what this side sends
    except OSError:
        pass
found = b""
try:
    while piece := connection.recv(65536):
        found += piece
except (ssl.SSLError, ConnectionError) as error:
    pass
sys.stdout.write(found.hex())
"""


@pytest.mark.allow_journal("remit-gate")
@pytest.mark.parametrize("name", list(FRAMES))
def test_a_broken_protocol_ends_that_connection_and_no_other(operator: Person, name: str) -> None:
    session = operator.new(TARGET, "calm")
    argv = ["/usr/bin/python3", "-c", SPEAK, operator.host.address, str(PORT), FRAMES[name].hex()]
    how = "half" if name == "truncated" else "whole"
    done = operator.client.run([*argv, how], timeout=30)
    assert b'"type":"authenticated"' not in bytes.fromhex(done.stdout)
    assert b"uid=" not in bytes.fromhex(done.stdout)
    assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    operator.remit("remove", "-s", session)


@pytest.mark.allow_journal("remit-gate")
def test_plain_http_and_old_tls_get_nothing(operator: Person) -> None:
    http = (
        "import socket,sys; s=socket.create_connection((sys.argv[1],8622),10);"
        "s.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');"
        "found=b''\n"
        "try:\n"
        "  while p:=s.recv(999): found+=p\n"
        "except ConnectionError: pass\n"
        "sys.stdout.write(found.hex())"
    )
    done = operator.client.run(["/usr/bin/python3", "-c", http, operator.host.address], timeout=30)
    assert b"HTTP" not in bytes.fromhex(done.stdout)
    old = "import ssl,socket,sys;c=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT);c.check_hostname=False;"
    old += "c.verify_mode=ssl.CERT_NONE;c.maximum_version=ssl.TLSVersion.TLSv1_2;"
    old += "c.wrap_socket(socket.create_connection((sys.argv[1],8622),10))"
    refused = operator.client.run(
        ["/usr/bin/python3", "-c", old, operator.host.address], check=False, timeout=30
    )
    assert refused.returncode != 0
    assert "SSLError" in refused.stderr or "ConnectionResetError" in refused.stderr


@pytest.mark.allow_journal("remit-gate")
def test_silent_clients_are_sent_away_and_block_nobody(operator: Person, elsewhere: Person) -> None:
    silent = (
        "import socket,sys,time; start=time.monotonic();"
        "all=[socket.create_connection((sys.argv[1],8622),10) for _ in range(8)];"
        "[s.settimeout(30) for s in all]\n"
        "for s in all:\n"
        "  try: s.recv(1)\n"
        "  except ConnectionError: pass\n"
        "print(time.monotonic()-start)"
    )
    argv = ["/usr/bin/python3", "-c", silent, operator.host.address]
    with operator.client.start(argv) as waiting:
        done = elsewhere.remit("run", elsewhere.target(TARGET), "uptime")
        assert "load average" in done.stdout
        assert waiting.stdout
        took = float(waiting.stdout.readline())
    assert took < 25


def test_a_unit_that_systemd_refuses_is_one_clear_error(operator: Person, endpoint: object) -> None:
    assert callable(endpoint)
    host = operator.host
    host.journal.allow("no session for olga", "remit-session-.*", "remitd.*reloaded")
    endpoint(GOOD + '[sandbox]\nReadWritePaths = ["/no/such/directory"]\n')
    host.run(["remitctl", "reload"])
    done = operator.remit("run", operator.target("test"), "true", status=255)
    assert "the session could not be started" in done.stderr
    (event,) = [each for each in remit_events(host) if each["REMIT_EVENT"] == "failed"]
    assert event["REMIT_ENDPOINT"] == "test"
    assert host.units("remit-session-*") == []
    assert operator.sessions() == []
