"""What systemd hands over, and what it does not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from remit.system.activation import take_descriptors
from remit.system.readiness import Readiness
from tests.tree import SERVICE

PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from remit.system.activation import take_descriptors
os.environ["LISTEN_PID"] = str(os.getpid())
found = take_descriptors(os.environ)
print(found, [os.get_inheritable(each) for each in found], [k for k in os.environ if "LISTEN" in k])
"""


def test_sockets_are_taken_and_not_passed_on() -> None:
    started = [sys.executable, "-c", PROGRAM, str(SERVICE)]
    with socket.socket() as given:
        run = subprocess.run(
            ["/bin/bash", "-c", f'exec "$@" 3<&{given.fileno()}', "bash", *started],
            env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"},
            pass_fds=[given.fileno()],
            capture_output=True,
            text=True,
        )
    assert run.stdout == "[3] [False] []\n", run.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_sockets_that_are_not_ours(environment: dict[str, str]) -> None:
    assert take_descriptors(environment) == []
    assert environment == {}


def test_the_manager_hears_what_is_said() -> None:
    name = f"\0remit-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(5)
        environment = {"NOTIFY_SOCKET": "@" + name[1:], "WATCHDOG_USEC": "3000000"}
        readiness = Readiness.from_environment(environment)
        assert (environment, readiness.interval) == ({}, 1.5)
        readiness.say_ready()
        readiness.say_alive()
        readiness.say_stopping()
        assert [manager.recv(99) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    readiness.say_alive()  # nobody there any more: nothing happens
    readiness.close()
    readiness.say_alive()


def test_another_s_watchdog_and_no_manager() -> None:
    readiness = Readiness.from_environment({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"})
    assert readiness.interval == 0
    readiness.say_ready()


def test_an_address_that_leads_nowhere() -> None:
    with pytest.raises(OSError):
        Readiness.from_environment({"NOTIFY_SOCKET": "/no/such/socket"})
