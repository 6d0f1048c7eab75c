"""Sessions belong to PID 1: they outlive remitd and the gate; a dead one is never replaced."""

from __future__ import annotations

import pytest

from tests.host.harness.host import Host
from tests.host.person import PASSWORD, Person, wait_for_unit_end
from tests.host.test_main_job import TARGET, remit_events

ROLE = """\
[commands]
sleep = "/usr/bin/sleep 60"
sh = "/bin/sh -c TEXT"
[params]
TEXT = { text = true }
"""
# Attaches over the local socket and is gone before it is.
LEAVE = """
import socket, sys
sys.path.append("/usr/lib/python3/dist-packages")
from remit.wire.frame import FrameReader
from remit.wire.message import Message, parse_message
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/remit/local.sock")
reader, waiting = FrameReader(), []
def hear():
    while not waiting:
        waiting.extend(reader.feed(connection.recv(65536)))
    return parse_message(waiting.pop(0)).type
connection.sendall(Message("hello", versions=[1], software="test").encode())
assert (hear(), hear()) == ("welcome", "authenticated")
connection.sendall(Message("attach", session=sys.argv[1]).encode())
assert hear() == "prompt"
connection.sendall(Message("answer", text=sys.argv[2]).encode())
"""
LONG = """\
[access]
allow = ["olga"]
[roles]
olga = ["long"]
"""


@pytest.mark.allow_journal("remitd.service: (Main process exited|Failed with result|Scheduled)")
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_sessions_go_on_while_remitd_is_replaced(operator: Person, how: str) -> None:
    host = operator.host
    session = operator.new(TARGET, "lasting")
    before = operator.sessions()
    service = f"remit-session-{before[0]['id']}.service"
    invocation = host.unit_property(service, "InvocationID")
    if how == "restart":
        host.restart_service("remitd.service")
    else:
        pid = host.unit_property("remitd.service", "MainPID")
        host.kill_service("remitd.service")
        host.run(["sh", "-c", f"while [ \"$(systemctl show -p MainPID --value remitd)\" = {pid} ]; "
                  "do sleep 0.05; done; systemctl start remitd.service"])  # fmt: skip
    (after,) = operator.sessions()
    assert after["id"] == before[0]["id"]
    assert host.unit_property(service, "InvocationID") == invocation
    assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    operator.remit("remove", "-s", session)
    assert host.units("remit-session-*") == []


@pytest.mark.allow_journal("remitd|dbus|systemd.*(Scheduled restart|Failed with result|bus)")
def test_a_restart_of_the_bus_is_survived(operator: Person) -> None:
    host = operator.host
    session = operator.new(TARGET, "lasting")
    host.run(["systemctl", "restart", "dbus.service"])
    host.journal.wait_for("the connection to the bus was lost")
    host.journal.wait_for("Started remitd.service")
    wait_for_service(host, "remitd.service")
    assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    assert "load average" in operator.remit("run", operator.target(TARGET), "uptime").stdout
    operator.remit("remove", "-s", session)


def test_a_client_that_leaves_while_it_is_being_attached_locks_nobody_out(
    operator: Person,
) -> None:
    host = operator.host
    session = operator.new(TARGET, "free")
    for _ in range(5):
        host.run(["python3", "-c", LEAVE, "free", PASSWORD], user="olga")
        assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    operator.remit("remove", "-s", session)


def test_sessions_go_on_while_the_gate_is_replaced(operator: Person) -> None:
    session = operator.new(TARGET, "lasting")
    operator.host.restart_service("remit-gate.service")
    assert "load average" in operator.remit("run", "-s", session, "uptime").stdout
    operator.remit("remove", "-s", session)


@pytest.mark.allow_journal("remit-gate: .* remitd did not serve it: unavailable")
def test_a_command_outlives_the_daemon_and_keeps_its_status(operator: Person) -> None:
    host = operator.host
    host.write_file("/etc/remit/roles/long.toml", ROLE)
    host.write_file("/etc/remit/endpoints/long.toml", LONG)
    host.run(["remitctl", "reload"])
    with operator.start("run", operator.target("long"), "sh", "-c", "sleep 1; exit 7") as client:
        wait_for_running(operator)
        host.restart_service("remitd.service")
        assert client.wait(15) == 7
        assert client.stderr
        assert b"the command has ended; leaving its session went wrong" in client.stderr.read()
    wait_for_unit_end(host)
    assert operator.sessions() == []


@pytest.mark.allow_journal("remit-session-.*.service: (Main process exited|Failed with result)")
def test_a_killed_worker_is_not_replaced_and_leaves_nothing(operator: Person) -> None:
    host = operator.host
    victim = operator.new(TARGET, "victim")
    operator.new(TARGET, "bystander")
    ids = {row["name"]: row["id"] for row in operator.sessions()}
    host.kill_service(f"remit-session-{ids['victim']}.service")
    wait_for_unit_end(host, f"remit-session-{ids['victim']}*")
    done = operator.remit("run", "-s", victim, "uptime", status=125)
    assert "its worker was killed by signal 9" in done.stderr
    assert [row["name"] for row in operator.sessions()] == ["bystander"]
    assert host.units(f"remit-session-{ids['victim']}*") == []
    (closed,) = [each for each in remit_events(host) if each["REMIT_EVENT"] == "closed"]
    assert closed["REMIT_SESSION"] == ids["victim"]
    assert "killed by signal 9" in closed["REMIT_REASON"]
    operator.remit("remove", "-s", operator.target("bystander"))


@pytest.mark.allow_journal("remit-session-.*.service: (Main process exited|Failed with result)")
def test_a_worker_killed_under_a_command_ends_its_client_with_125(operator: Person) -> None:
    host = operator.host
    host.write_file("/etc/remit/roles/long.toml", ROLE)
    host.write_file("/etc/remit/endpoints/long.toml", LONG)
    host.run(["remitctl", "reload"])
    session = operator.new("long", "busy")
    with operator.start("run", "-s", session, "sleep", "60") as client:
        wait_for_running(operator)
        (row,) = operator.sessions()
        host.kill_service(f"remit-session-{row['id']}.service")
        assert client.wait(15) == 125
        assert client.stderr
        assert b"killed by signal 9" in client.stderr.read()
    wait_for_unit_end(host)
    assert [each for each in host.processes("/remit.slice") if "sleep" in each.argv] == []


def test_a_reboot_is_an_end_with_a_reason(operator: Person, laboratory: object) -> None:
    """Last in this module: the host comes back without its sessions."""
    session = operator.new(TARGET, "over")
    operator.host.reboot()
    done = operator.remit("run", "-s", session, "uptime", status=125)
    assert "host restarted" in done.stderr
    assert operator.sessions() == []


def wait_for_service(host: Host, unit: str) -> None:
    """Wait until it has been started again and is ready."""
    host.run(["sh", "-c", f"until systemctl is-active --quiet {unit}; do sleep 0.05; done"])


def wait_for_running(person: Person) -> None:
    for _ in range(100):
        if any(row["running"] for row in person.sessions()):
            return
    raise AssertionError("no command is running")
