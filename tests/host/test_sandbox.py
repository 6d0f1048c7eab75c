"""What a session's unit keeps from its commands: each attack first succeeds without the sandbox.

The kernel's limits of single commands (Landlock) come with a later issue; these are the unit's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.harness.host import Host
from tests.host.person import Person
from tests.host.test_main_job import remit_events

PROBE = "/usr/local/bin/probe"
SUID = "/usr/local/bin/suid-id"
ROLE = f"""\
[commands.probe]
exec = "{PROBE}"
usage = ["ATTACK [TEXT]"]
[params]
ATTACK = {{ pattern = "[a-z-]+" }}
TEXT = {{ any = true }}
"""
ENDPOINT = """\
description = "Attacks"
[access]
allow = ["olga"]
[roles]
olga = ["probe"]
"""
AS_ROOT = '[session]\nrun_as = "root"\n'
AS_CALLER = '[session]\nrun_as = "caller"\n'
WITHOUT_NETWORK_LIMITS = """\
[sandbox]
PrivateNetwork = false
RestrictAddressFamilies = ["AF_UNIX", "AF_INET", "AF_INET6"]
"""


@pytest.fixture
def probes(operator: Person) -> Iterator[Person]:
    """The probe on the host, and endpoints that run it as three kinds of account."""
    host = operator.host
    host.write_file(PROBE, Path(__file__).with_name("probe.py").read_text(), 0o755)
    host.run(["install", "-m", "4755", "/usr/bin/id", SUID])
    host.write_file("/etc/remit/roles/probe.toml", ROLE)
    for name, rest in {
        "virtual": "",
        "root": AS_ROOT,
        "caller": AS_CALLER,
        "network": WITHOUT_NETWORK_LIMITS,
    }.items():
        host.write_file(f"/etc/remit/endpoints/probe-{name}.toml", ENDPOINT + rest)
    host.run(["remitctl", "reload"])
    yield operator
    host.run(["sh", "-c", f"rm -f /etc/remit/*/probe*.toml {PROBE} {SUID}"])
    host.run(["remitctl", "reload"])


def inside(person: Person, endpoint: str, *attack: str) -> str:
    done = person.remit("run", person.target(f"probe-{endpoint}"), "probe", *attack, status=None)
    return done.stdout.strip() or done.stderr.strip()


def outside(host: Host, *attack: str, user: str = "root") -> str:
    """The same attack beside the session, without its sandbox."""
    return host.run([PROBE, *attack], user=user, check=False).stdout.strip()


@pytest.mark.parametrize(
    "path", ["/usr/probe-was-here", "/etc/probe-was-here", "/var/lib/x", "/run/x", "/run/lock/x"]
)
def test_even_root_writes_nothing_into_the_system(probes: Person, path: str) -> None:
    host = probes.host
    assert outside(host, "write", path) == "written"
    host.run(["rm", path])
    assert inside(probes, "root", "write", path) == "refused: Read-only file system"
    assert not host.exists(path)


def test_temporary_files_are_the_sessions_own(probes: Person) -> None:
    host = probes.host
    assert outside(host, "write", "/tmp/probe", user="olga") == "written"
    host.run(["rm", "/tmp/probe"])
    for endpoint in ("virtual", "caller"):
        assert inside(probes, endpoint, "write", "/tmp/probe") == "written"
        assert not host.exists("/tmp/probe")
    assert inside(probes, "caller", "read", "/tmp/probe").startswith("refused: No such file")


def test_shared_memory_is_the_sessions_own_and_that_of_others_stays(probes: Person) -> None:
    """RemoveIPC= deletes an account's shared memory with its last unit, also that of others."""
    host = probes.host
    assert outside(host, "write", "/dev/shm/of-olga", user="olga") == "written"
    assert inside(probes, "caller", "read", "/dev/shm/of-olga").startswith("refused: No such")
    assert inside(probes, "caller", "write", "/dev/shm/probe") == "written"
    assert not host.exists("/dev/shm/probe")
    assert host.exists("/dev/shm/of-olga")
    host.run(["rm", "/dev/shm/of-olga"])


def test_nobodys_own_manager_is_reached(probes: Person) -> None:
    """systemd --user would run anything for its user outside of every session."""
    host = probes.host
    host.run(["install", "-d", "-o", "olga", "/run/user/1000/probe"])
    assert outside(host, "tree", "/run/user/1000/probe", user="olga") == "listed 0 entries"
    for endpoint in ("caller", "virtual", "root"):
        assert inside(probes, endpoint, "tree", "/run/user").startswith("refused: ")
    host.run(["rm", "-r", "/run/user/1000"])


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/gshadow"])
def test_even_root_reads_no_password_hashes(probes: Person, path: str) -> None:
    assert outside(probes.host, "read", path).startswith("read ")
    assert inside(probes, "root", "read", path).startswith("refused: ")


@pytest.mark.parametrize("path", ["/run/remit", "/var/lib/remit", "/run/systemd/journal"])
def test_even_root_does_not_see_remits_own_directories(probes: Person, path: str) -> None:
    assert outside(probes.host, "tree", path).startswith("listed ")
    assert inside(probes, "root", "tree", path).startswith("refused: ")


@pytest.mark.allow_journal("systemd: Failed to start new connection bus: Connection reset")
@pytest.mark.parametrize(
    "path", ["/run/remit/local.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"]
)
def test_even_root_reaches_no_socket_that_would_lead_out(probes: Person, path: str) -> None:
    assert outside(probes.host, "stream", path) == "connected"
    assert inside(probes, "root", "stream", path).startswith("refused: ")


def test_there_is_no_network_unless_the_endpoint_says_so(probes: Person) -> None:
    place = f"{probes.host.address}:8622"
    probes.host.journal.allow("remit-gate")
    assert outside(probes.host, "tcp", place, user="olga") == "connected"
    assert inside(probes, "virtual", "tcp", place).startswith("refused: ")
    assert inside(probes, "network", "tcp", place) == "connected"


def test_files_without_a_file_system_are_refused(probes: Person) -> None:
    assert outside(probes.host, "memfd", user="olga") == "created"
    assert inside(probes, "virtual", "memfd") == "refused: Operation not permitted"


def test_new_namespaces_are_refused(probes: Person) -> None:
    assert outside(probes.host, "namespace", user="olga") == "unshared"
    assert inside(probes, "virtual", "namespace") == "refused: unshare"


def test_setuid_programs_gain_nothing(probes: Person) -> None:
    assert "euid=0(root)" in outside(probes.host, "setuid", SUID, user="olga")
    assert "euid=0" not in inside(probes, "caller", "setuid", SUID)


def test_the_worker_cannot_be_read_by_its_commands(probes: Person) -> None:
    shell = ["sh", "-c", f"{PROBE} parent-memory; true"]
    assert probes.host.run(shell, user="olga").stdout.strip() == "opened"
    assert inside(probes, "caller", "parent-memory").startswith("refused: ")


def test_the_processes_of_others_are_not_seen(probes: Person) -> None:
    assert outside(probes.host, "processes", "0", user="olga").startswith("saw ")
    assert inside(probes, "virtual", "processes", "0") == "saw none"


def test_a_command_inherits_no_descriptor_but_its_three(probes: Person) -> None:
    assert inside(probes, "virtual", "descriptors") == "0 1 2"


def test_a_session_of_another_endpoint_has_another_virtual_account(probes: Person) -> None:
    host = probes.host
    host.write_file("/etc/remit/endpoints/probe-second.toml", ENDPOINT)
    host.run(["remitctl", "reload"])
    accounts = set()
    for endpoint in ("probe-virtual", "probe-second"):
        session = probes.new(endpoint, "one")
        (unit,) = [each.name for each in host.units("remit-session-*.service")]
        accounts.add(host.unit_property(unit, "User"))
        probes.remit("remove", "-s", session)
    assert len(accounts) == 2
    assert all(each.startswith("remit-v-") and len(each) <= 31 for each in accounts)


def test_remitd_refuses_whoever_is_inside_a_session(probes: Person) -> None:
    """Were the socket not hidden: a process beneath remit.slice, with all of root's rights."""
    host = probes.host
    ask = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "-p", "User=olga"]
    assert host.run([*ask, "--slice=other.slice", "remit", "endpoints"]).stdout
    host.journal.allow("a process inside a session was refused", "run-.*Failed with result")
    refused = host.run([*ask, "--slice=remit-any.slice", "remit", "endpoints"], check=False)
    assert refused.returncode == 255
    assert refused.stdout == ""
    (event,) = [each for each in remit_events(host) if each["REMIT_EVENT"] == "inside"]
    assert event["REMIT_PEER"] == "the local socket"


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("PrivateNetwork=no", "namespaces"),
        ("ProtectSystem=full", "read_only"),
        ("InaccessiblePaths=", "hidden"),
    ],
)
def test_a_session_whose_sandbox_is_not_what_was_ordered_does_not_serve(
    probes: Person, setting: str, found: str
) -> None:
    """An administrator's drop-in for all units of that name stands for a systemd that goes on
    without what it cannot set up."""
    host = probes.host
    drop_in = "/etc/systemd/system/remit-session-.service.d/zz.conf"
    host.write_file(drop_in, f"[Service]\n{setting}\n")
    host.run(["systemctl", "daemon-reload"])
    host.journal.allow("the sandbox is not what was ordered", "remit-session-.*Failed with result")
    host.journal.allow("Failed to start remit-session-")
    refused = probes.remit("run", probes.target("probe-caller"), "probe", "memfd", status=125)
    assert "the sandbox is not what was ordered" in refused.stderr
    assert found in refused.stderr
    assert refused.stdout == ""
    host.run(["rm", drop_in])
    host.run(["systemctl", "daemon-reload"])
    assert inside(probes, "caller", "memfd") == "refused: Operation not permitted"
