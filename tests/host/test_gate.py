"""remit-gate on a host: what is left to whoever has taken it over."""

from __future__ import annotations

import pytest

from tests.host.harness.host import Host
from tests.host.person import Person

# In the gate's mount namespace and as its user: where it can connect to, where it can write.
LOOK = """
import os, socket, sys
for path in sys.argv[2:]:
    if sys.argv[1] == "write":
        try:
            os.close(os.open(path + "/x", os.O_CREAT | os.O_WRONLY))
        except OSError as error:
            print(path, error.strerror)
        else:
            print(path, "written")
            os.unlink(path + "/x")
        continue
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_UNIX, kind) as connection:
            try:
                connection.connect(path)
            except OSError:
                continue
            print(path, "connected")
"""
OURS = [f"/run/remit/{name}.sock" for name in ("local", "control", "auth")]
NEEDED = ["/run/remit/gate.sock", "/run/systemd/notify"]
OTHERS = [
    "/run/dbus/system_bus_socket",
    "/run/systemd/journal/stdout",
    "/run/systemd/journal/dev-log",
]


def look(host: Host, what: str, *paths: str, inside: bool = True) -> list[str]:
    """What the gate's user can do, in the gate's view of the host or in everybody's."""
    gate = host.unit_property("remit-gate.service", "MainPID") if inside else "1"
    become = ["setpriv", "--reuid=remit-gate", "--regid=remit-gate", "--clear-groups"]
    python = ["python3", "-c", LOOK, what, *paths]
    return host.run(
        ["nsenter", f"--target={gate}", "--mount", "--", *become, *python]
    ).stdout.splitlines()


@pytest.fixture(autouse=True)
def _started(operator: Person) -> None:
    """The gate is started by the first connection, which was `trust`."""


@pytest.mark.allow_journal(
    r"remitd: the protocol was broken by (the gate|local:\d+: uid \d+ is nobody)"
)  # connected, said nothing
def test_reaches_no_socket_that_it_does_not_need(installed_host: Host) -> None:
    within = look(installed_host, "connect", *OURS, *OTHERS, *NEEDED)
    assert within == [f"{path} connected" for path in NEEDED]
    without = look(installed_host, "connect", OURS[0], *OTHERS[:2], inside=False)
    assert len(without) == 3, "the attack proves nothing where it cannot succeed"


def test_writes_nowhere_in_run(installed_host: Host) -> None:
    within = look(installed_host, "write", "/run", "/run/remit", "/run/systemd")
    assert len(within) == 3
    assert all(line.endswith(" Read-only file system") for line in within), within
    assert look(installed_host, "write", "/run/lock", inside=False) == ["/run/lock written"]


def test_serves_when_its_surroundings_were_made_anew(
    installed_host: Host, operator: Person
) -> None:
    """Its view holds sockets, not their names."""
    host = installed_host
    host.restart_service("remitd.service")
    operator.remit("endpoints", host.address)
    sockets = [f"remitd-{name}.socket" for name in ("gate", "local", "control")]
    host.run(["systemctl", "stop", "remitd.service", *sockets])
    host.run(["systemctl", "start", "remitd.service", "remit-gate.socket"])
    operator.remit("endpoints", host.address)
    host.run(["systemctl", "daemon-reexec"])
    operator.remit("endpoints", host.address)
    host.restart_service("remit-gate.service")
    operator.remit("endpoints", host.address)
