"""The main job on booted hosts: a user outside runs what an endpoint allows, over TLS, with PAM."""

from __future__ import annotations

import json

import pytest

from tests.host.harness.host import Host
from tests.host.person import Person

TARGET = "host-status"


@pytest.mark.allow_journal("remitd: stranger from .* was not admitted to host-status")
def test_the_endpoint_is_granted_to_its_group_and_to_nobody_else(
    operator: Person, stranger: Person
) -> None:
    assert TARGET in operator.remit("endpoints", operator.host.address).stdout
    assert TARGET not in stranger.remit("endpoints", stranger.host.address).stdout
    allowed = operator.remit("run", operator.target(TARGET), "uptime")
    assert "load average" in allowed.stdout
    denied = stranger.remit("run", stranger.target(TARGET), "uptime", status=126)
    assert "no endpoint host-status for you here" in denied.stderr
    assert denied.stdout == ""


@pytest.mark.allow_journal("remitd: stranger from .* was not admitted to (host-status|no-such)")
def test_an_unknown_endpoint_looks_like_one_that_is_not_granted(stranger: Person) -> None:
    granted_to_others = stranger.remit("run", stranger.target(TARGET), "uptime", status=126)
    unknown = stranger.remit("run", stranger.target("no-such"), "uptime", status=126)
    assert granted_to_others.stderr.replace(TARGET, "no-such") == unknown.stderr


@pytest.mark.parametrize(
    ("command", "contains"),
    [
        (("uptime",), "load average"),
        (("df", "-h"), "Filesystem"),
        (("free", "-h"), "Mem:"),
        (("lscpu",), "Architecture"),
        (("ip", "-br", "addr"), "eth0"),
        (("hostnamectl", "status"), "Operating System"),
        (("systemctl", "status", "remitd.service"), "active (running)"),
        (("journalctl", "-u", "remitd.service", "-n", "3"), "remitd"),
    ],
)
def test_the_shipped_commands_work_through_the_sandbox(
    operator: Person, command: tuple[str, ...], contains: str
) -> None:
    done = operator.remit("run", operator.target(TARGET), *command)
    assert contains in done.stdout
    # Debian 13's hostnamectl asks for what only administrators may know, and goes on without.
    errors = [line for line in done.stderr.splitlines() if "ignoring: Access denied" not in line]
    assert errors == []


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("bash",), 127),
        (("/bin/sh", "-c", "id"), 127),
        (("id",), 127),
        (("systemctl", "restart", "remitd.service"), 126),
        (("systemctl", "status", "--root=/", "remitd.service"), 126),
        (("journalctl", "--file=/etc/passwd"), 126),
        (("journalctl", "--fil=/etc/passwd"), 126),
        (("df", "-h", "-h"), 126),
        (("uptime", ""), 126),
        (("uptime", "; id"), 126),
    ],
)
def test_what_is_outside_the_endpoint_is_refused(
    operator: Person, command: tuple[str, ...], status: int
) -> None:
    done = operator.remit("run", operator.target(TARGET), *command, status=status)
    assert done.stdout == ""
    assert done.stderr.startswith("remit: ")
    assert "uid=" not in done.stderr


def test_a_refusal_shows_what_would_be_allowed(operator: Person) -> None:
    done = operator.remit("run", operator.target(TARGET), "df", "--sync", status=126)
    lines = done.stderr.splitlines()
    assert lines[0] == "remit: refused: df --sync"
    assert "^" in lines[1]
    assert any("allowed: df" in line for line in lines)


@pytest.mark.allow_journal("remit-auth: pam_unix.*(conversation failed|could not identify)")
def test_both_ways_in_do_the_same_job(operator: Person) -> None:
    inside = operator.host.run(
        ["remit", "run", "--password-file", "/home/olga/password", TARGET, "uptime"],
        user="olga",
    )
    assert "load average" in inside.stdout
    denied = operator.remit_inside("run", TARGET, "uptime", status=255)
    assert "--password-file" in denied.stderr, "virtual accounts ask on the local socket too"


def test_a_session_holds_its_own_and_is_listed_and_removed(operator: Person) -> None:
    session = operator.new(TARGET, "tour")
    assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    assert "Mem:" in operator.remit("run", "-s", session, "free").stdout
    (listed,) = operator.sessions()
    assert listed["name"] == "tour"
    assert listed["endpoint"] == TARGET
    assert listed["state"] == "Disconnected"
    operator.remit("remove", "-s", session)
    assert operator.sessions() == []
    assert operator.host.units("remit-session-*") == []
    gone = operator.remit("run", "-s", session, "uptime", status=125)
    assert "closed: removed by you" in gone.stderr


def test_another_user_does_not_see_a_session(operator: Person, other_operator: Person) -> None:
    session = operator.new(TARGET, "mine")
    identity = str(operator.sessions()[0]["id"])
    assert other_operator.sessions() == []
    for name in ("mine", identity):
        target = other_operator.target(name)
        denied = other_operator.remit("run", "-s", target, "uptime", status=125)
        unknown = other_operator.remit(
            "run", "-s", other_operator.target("no-such"), "x", status=125
        )
        assert denied.stderr.replace(name, "no-such") == unknown.stderr
        other_operator.remit("remove", "-s", target, status=125)
    operator.remit("remove", "-s", session)


def test_a_temporary_session_is_gone_before_its_client(operator: Person) -> None:
    for _ in range(3):
        operator.remit("run", operator.target(TARGET), "uptime")
        assert operator.host.units("remit-session-*") == []
        assert operator.host.run(["ls", "/run/remit/sessions"]).stdout == ""
        assert operator.host.processes("/remit.slice") == []


def test_every_step_is_in_the_journal_with_its_fields(operator: Person) -> None:
    host = operator.host
    operator.remit("run", operator.target(TARGET), "uptime")
    operator.remit("run", operator.target(TARGET), "df", "--x\x1b[31m", status=126)
    events = remit_events(host)
    kinds = [event["REMIT_EVENT"] for event in events]
    assert kinds == [
        *("authenticated", "opened", "attached", "allowed", "exited", "detached", "closed"),
        *("authenticated", "opened", "attached", "refused", "detached", "closed"),
    ]
    allowed = events[3]
    assert allowed["REMIT_USER"] == "olga"
    assert allowed["REMIT_ENDPOINT"] == TARGET
    assert allowed["REMIT_COMMAND"] == "/usr/bin/uptime"
    assert allowed["REMIT_RUN_AS"].startswith("remit-v-")
    assert len(allowed["REMIT_SESSION"]) == 32
    assert events[0]["REMIT_PEER"].startswith(operator.client.address)
    refused = events[10]
    assert refused["REMIT_COMMAND"] == r"df '--x\x1b[31m'"
    assert len({event["MESSAGE_ID"] for event in events}) == 8


def remit_events(host: Host) -> list[dict[str, str]]:
    """The events of this test so far, in order."""
    return [entry for entry in host.journal.entries() if "REMIT_EVENT" in entry]


def test_status_tells_what_is_loaded_and_running(operator: Person) -> None:
    session = operator.new(TARGET, "seen")
    status = json.loads(operator.host.run(["remitctl", "status", "--json"]).stdout)
    assert status["version"]
    assert status["fingerprint"].startswith("SHA256:")
    assert {"name": TARGET, "state": "loaded", "problems": []} in status["endpoints"]
    (running,) = status["sessions"]
    assert (running["owner"], running["name"]) == ("olga", "seen")
    operator.remit("remove", "-s", session)
