"""Test hosts can do what sessions need of systemd and the kernel, on both releases."""

from __future__ import annotations

import subprocess

import pytest

from tests.host.harness.host import Host

# What a session of remit gets, as far as systemd sets it up.
SANDBOX = (
    "DynamicUser=yes",
    "PrivateTmp=yes",
    "PrivateNetwork=yes",
    "PrivateDevices=yes",
    "ProtectSystem=strict",
    "ProtectControlGroups=yes",
    "ProtectKernelTunables=yes",
    "NoExecPaths=/",
    "ExecPaths=/usr /lib /lib64",
    "InaccessiblePaths=/run/dbus /run/systemd/private /etc/shadow",
    "NoNewPrivileges=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~memfd_create:EPERM",
    "CapabilityBoundingSet=",
    "Delegate=yes",
)


def run_in_unit(host: Host, script: str, *properties: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a transient unit with these properties."""
    argv = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    argv += [f"--property={value}" for value in properties]
    return host.run([*argv, "sh", "-c", script], check=False)


@pytest.mark.allow_journal(r"run-.*\.service: Failed with result 'exit-code'")
def test_session_sandbox_holds(host: Host) -> None:
    """Each wall stands; and without the sandbox the same attempts succeed."""
    attempts = {
        "write": "touch /usr/attempt && rm /usr/attempt",
        "network": "ip link show eth0",
        "execute": "cp /bin/true /tmp/attempt && /tmp/attempt; s=$?; rm -f /tmp/attempt; exit $s",
        "shadow": "cat /etc/shadow",
        "bus": "busctl status",
        "memfd": "python3 -c 'import os; os.memfd_create(\"attempt\")'",
    }
    for name, attempt in attempts.items():
        assert run_in_unit(host, attempt).returncode == 0, f"{name} fails without the sandbox"
    also = "NoExecPaths=/tmp /var/tmp /dev/shm"
    for name, attempt in attempts.items():
        assert run_in_unit(host, attempt, *SANDBOX, also).returncode, f"{name} succeeds"


def test_dynamic_user_is_resolved(host: Host) -> None:
    told = run_in_unit(host, "id -un; id -u", "DynamicUser=yes", "User=remit-v-test").stdout
    name, uid = told.split()
    assert name == "remit-v-test"
    assert 61184 <= int(uid) <= 65519


def test_delegated_cgroup_can_be_killed(host: Host) -> None:
    script = """
        set -e
        own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
        mkdir $own/command
        sleep 987 & echo $! > $own/command/cgroup.procs
        echo 1 > $own/command/cgroup.kill
        s=0; wait $! || s=$?
        rmdir $own/command
        echo $s
    """
    assert run_in_unit(host, script, "Delegate=yes", "DynamicUser=yes").stdout == "137\n"


def test_landlock_is_there_for_units(host: Host) -> None:
    script = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    calls = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
    properties = ("SystemCallFilter=@system-service", f"SystemCallFilter={calls}")
    told = run_in_unit(host, f"python3 -c '{script}'", *properties).stdout
    assert int(told) >= 1


def test_private_network_is_private(host: Host) -> None:
    """systemd goes on without it, with no more than a line in the log, where it may not do it."""
    own = run_in_unit(host, "readlink /proc/self/ns/net", "PrivateNetwork=yes").stdout
    assert own.startswith("net:")
    assert own != host.run(["readlink", "/proc/self/ns/net"]).stdout
