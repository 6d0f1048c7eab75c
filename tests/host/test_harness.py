"""The harness does what other host tests rely on, and hosts can do what sessions need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.host.conftest import BootHost, NewClient
from tests.host.harness import recipe
from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.image import Release
from tests.host.harness.laboratory import Laboratory
from tests.host.harness.program import CommandFailed
from tests.host.harness.tools import HarnessProblem
from tests.host.harness.watch import Watch
from tests.host.harness.workspace import end_run, remove_dead_runs, wait_until


def test_host_is_the_release_it_says(host: Host) -> None:
    assert f"VERSION_CODENAME={host.release}\n" in host.read_file("/etc/os-release")
    assert host.run(["hostname"]).stdout.strip() == host.name
    assert host.run(["systemctl", "is-system-running"]).stdout.strip() == "running"


def test_run_returns_output_and_status(host: Host) -> None:
    done = host.run(["sh", "-c", "cat; echo no >&2; exit 3"], input="yes", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("yes", "no\n", 3)
    with pytest.raises(CommandFailed, match="no such thing"):
        host.run(["sh", "-c", "echo no such thing >&2; exit 1"])


def test_run_takes_little_time(host: Host) -> None:
    host.run(["true"])
    took = []
    for _ in range(20):
        started = time.perf_counter()
        host.run(["true"])
        took.append(time.perf_counter() - started)
    assert sorted(took)[10] < 0.05  # about 10 ms; twice as much as is promised, on a busy machine


def test_run_is_in_a_shell_of_the_host(host: Host) -> None:
    assert host.run(["cat", "/proc/self/cgroup"]).stdout.splitlines()[-1] == (
        f"0::/user.slice/{recipe.SHELL_UNIT}"
    )
    own = host.run(["sh", "-c", "readlink /proc/self/ns/*"]).stdout
    assert own == host.run(["sh", "-c", "readlink /proc/1/ns/*"]).stdout
    bounding = host.run(["grep", "CapBnd", "/proc/self/status"]).stdout
    assert bounding == host.run(["grep", "CapBnd", "/proc/1/status"]).stdout
    assert host.run(["sh", "-c", "echo $HOME $USER; pwd"]).stdout == "/root root\n/root\n"


def test_run_as_a_user(host: Host) -> None:
    host.add_user("ada", "correct horse", groups=["systemd-journal"])
    told = host.run(["sh", "-c", "id -un; id -Gn; echo $HOME; pwd"], user="ada").stdout
    assert told == "ada\nada systemd-journal\n/home/ada\n/home/ada\n"
    denied = host.run(["cat", "/etc/shadow"], user="ada", check=False)
    assert denied.returncode == 1
    host.remove_user("ada")
    with pytest.raises(HarnessProblem, match="no user 'ada'"):
        host.run(["true"], user="ada")


def test_peer_credentials_of_a_program_are_the_hosts(host: Host) -> None:
    """What a service of the host sees of a program that the harness runs."""
    script = """if True:
        import os, socket, struct, sys
        ours, theirs = socket.socketpair()
        listener = socket.socket(socket.AF_UNIX); listener.bind("\\0peer"); listener.listen()
        other = socket.socket(socket.AF_UNIX); other.connect("\\0peer")
        credentials = listener.accept()[0].getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, gid = struct.unpack("3i", credentials)
        print(pid == os.getpid(), uid, open(f"/proc/{pid}/cgroup").read().splitlines()[-1])
    """
    told = host.run(["python3", "-c", script]).stdout
    assert told == f"True 0 0::/user.slice/{recipe.SHELL_UNIT}\n"


def test_timeout_ends_the_program_and_its_children(host: Host) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        host.run(["sh", "-c", "sleep 987 & sleep 987"], timeout=0.3)
    wait_until(lambda: not any("987" in p.argv for p in host.processes()), "sleep to end")


def test_start_with_a_terminal(host: Host) -> None:
    near, far = os.openpty()
    with host.start(["sh", "-c", "tty; read line; echo got $line"], terminal=far) as program:
        os.close(far)
        os.write(near, b"hello\n")
        assert program.wait(10) == 0
    said = os.read(near, 4096)
    os.close(near)
    assert b"got hello" in said


def test_signal_reaches_the_program(host: Host) -> None:
    script = "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.05; done"
    with host.start(["sh", "-c", script]) as program:
        assert program.stdout
        assert program.stdout.readline() == b"ready\n"
        program.send_signal(signal.SIGUSR1)
        assert program.stdout.readline() == b"caught\n"
        assert program.wait(10) == 5


def test_files(host: Host) -> None:
    host.write_file("/etc/remit-test/a file", "text\n", mode=0o600, owner="daemon")
    assert host.read_file("/etc/remit-test/a file") == "text\n"
    told = host.run(["stat", "-c", "%a %U %G", "/etc/remit-test/a file"]).stdout
    assert told == "600 daemon daemon\n"
    assert host.exists("/etc/remit-test")
    host.run(["rm", "-r", "/etc/remit-test"])
    assert not host.exists("/etc/remit-test")


def test_journal(host: Host) -> None:
    mark = host.journal.mark()
    host.run(["systemd-cat", "--identifier=one", "echo", "first"])
    host.run(["systemd-cat", "--identifier=two", "echo", "second"])
    assert host.journal.wait_for("sec")["SYSLOG_IDENTIFIER"] == "two"
    assert [e["MESSAGE"] for e in host.journal.entries(SYSLOG_IDENTIFIER="one")] == ["first"]
    host.journal.mark()
    assert host.journal.entries(SYSLOG_IDENTIFIER="one") == []
    assert host.journal.entries(mark, SYSLOG_IDENTIFIER="one")
    with pytest.raises(HarnessProblem, match="did not log 'third'"):
        host.journal.wait_for("third", timeout=0.2)


@pytest.mark.allow_journal("sshd.*kex_exchange_identification")
def test_two_hosts_and_two_clients_see_each_other(
    host: Host, boot: BootHost, new_client: NewClient
) -> None:
    other = boot(name="other")
    for machine in (host, other):
        machine.run(["systemctl", "start", "ssh"])
    for client in (new_client("laptop"), new_client("tower")):
        assert banner(client, host.name).startswith("SSH-2.0")
        assert banner(client, other.address6).startswith("SSH-2.0")
    outside = subprocess.run(["ip", "-br", "address"], capture_output=True, text=True).stdout
    assert "198.51.100." not in outside
    assert "2001:db8:" not in outside


@pytest.mark.allow_journal("sshd.*kex_exchange_identification")
def test_cut_and_restore(host: Host, client: Client, new_client: NewClient) -> None:
    bystander = new_client("bystander")
    client.cut_network()
    with pytest.raises(CommandFailed, match="timed out"):
        banner(client, host.address)
    assert banner(bystander, host.address).startswith("SSH-2.0")
    client.restore_network()
    assert banner(client, host.address).startswith("SSH-2.0")
    host.cut_network()
    with pytest.raises(CommandFailed, match=r"timed out|No route"):
        banner(bystander, host.address)
    host.restore_network()
    assert banner(bystander, host.address).startswith("SSH-2.0")


def test_client_has_no_way_out(client: Client) -> None:
    routes = client.run(["ip", "route", "show", "default"]).stdout
    assert routes == ""
    assert os.listdir(client.home) == []
    assert client.run(["sh", "-c", "echo $HOME"]).stdout.strip() == str(client.home)


def test_client_runs_as_a_user(client: Client) -> None:
    told = client.run(["sh", "-c", "id -un; touch $HOME/mine"], user="nobody").stdout
    assert told == "nobody\n"


def test_kill_and_restart_a_service(host: Host) -> None:
    host.journal.allow(r"^systemd: ssh\.service: .*(SIGKILL|'signal')", r"status=9/KILL")
    host.run(["systemctl", "start", "ssh.service"])
    before = host.unit_property("ssh.service", "MainPID")
    host.kill_service("ssh.service")
    wait_until(
        lambda: host.unit_property("ssh.service", "MainPID") not in ("0", before), "ssh again"
    )
    host.restart_service("ssh.service")
    assert [unit.active for unit in host.units("ssh.service")] == ["active"]


def test_reboot_keeps_the_disk_and_loses_run(boot: BootHost) -> None:
    host = boot()
    host.write_file("/var/lib/kept", "yes")
    host.write_file("/run/lost", "no")
    before = host.read_file("/proc/sys/kernel/random/boot_id")
    host.reboot()
    assert host.read_file("/proc/sys/kernel/random/boot_id") != before
    assert host.read_file("/var/lib/kept") == "yes"
    assert not host.exists("/run/lost")


def test_dependencies_are_installed_in_a_ready_host(host: Host) -> None:
    host.run(["python3", "-c", "import cryptography, gi, pam, pydbus, sdnotify"])


def test_a_plain_host_can_install_them_without_a_network(boot: BootHost) -> None:
    host = boot("plain")
    absent = host.run(["python3", "-c", "import pydbus"], check=False)
    assert "ModuleNotFoundError" in absent.stderr
    host.run(["apt-get", "install", "--yes", *recipe.DEPENDENCIES], timeout=120)
    host.run(["python3", "-c", "import cryptography, gi, pam, pydbus, sdnotify"])


def test_packages_are_installed_once_in_a_run(
    laboratory: Laboratory, release: Release, tmp_path: Path
) -> None:
    deb = build_deb(tmp_path, "python3-sdnotify")
    for name in ("first", "second"):
        started = time.monotonic()
        host = laboratory.boot_installed(release, [deb], name)
        took = time.monotonic() - started
        assert host.read_file("/usr/share/remit-trial/file") == "in the package\n"
        assert host.run(["systemctl", "is-system-running"]).stdout == "running\n"
        laboratory.remove(host)
    assert took < 3  # that is a boot, no installation


def test_a_missing_dependency_is_found(host: Host, tmp_path: Path) -> None:
    deb = build_deb(tmp_path, "python3-nobody-has-this")
    with pytest.raises(CommandFailed, match="python3-nobody-has-this"):
        host.install([deb])


@pytest.mark.allow_journal("meant to be seen")
def test_watch_sees_what_is_wrong(host: Host) -> None:
    watch = Watch(host)
    assert watch.problems() == []
    host.run(["systemd-cat", "--priority=warning", "--identifier=x", "echo", "meant to be seen"])
    host.run(["systemd-run", "--quiet", "--unit=remit-session-1", "sleep", "987"])
    host.run(["sh", "-c", "mkdir -p /mnt/x; mount -t tmpfs x /mnt/x; touch /tmp/left"])
    host.run(["sh", "-c", "setsid sleep 986 >/dev/null 2>&1 & exit"])
    found = "\n".join(watch.problems())
    for sign in (
        "unexpected in the journal: x: meant to be seen",
        "unit remit-session-1.service is still loaded",
        "/mnt/x is still mounted",
        "/tmp/left is still there",
        "sleep 986",
    ):
        assert sign in found
    watch.clean()
    host.run(["sh", "-c", "umount /mnt/x; rmdir /mnt/x; rm /tmp/left"])
    host.journal.allow("meant to be seen")


def test_watch_sees_a_failed_unit(host: Host) -> None:
    watch = Watch(host)
    host.run(["systemd-run", "--quiet", "--wait", "--unit=remit-session-2", "false"], check=False)
    found = "\n".join(watch.problems())
    assert "unit remit-session-2.service has failed" in found
    watch.clean()
    assert host.units("remit-session-2.service") == []
    host.journal.allow("remit-session-2.service: Failed")


@pytest.mark.parametrize("kept", [False, True], ids=["dead", "kept"])
def test_another_run_is_taken_away(release: Release, laboratory: Laboratory, kept: bool) -> None:
    """A run is killed with a host up; it stays up only if that was wanted, and until then."""
    script = """if True:
        import os, sys
        from tests.host.harness.laboratory import Laboratory
        laboratory = Laboratory([sys.argv[1]])
        laboratory.boot(sys.argv[1])
        if sys.argv[2] == "True":
            laboratory.keep()
        print(os.getpid(), flush=True)
        os.kill(os.getpid(), 9)
    """
    dead = subprocess.run(
        [sys.executable, "-c", script, release, str(kept)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    pid = int(dead.stdout)
    assert traces_of(pid)
    remove_dead_runs()
    assert bool(traces_of(pid)) == kept
    end_run(pid)
    assert traces_of(pid) == []


def banner(client: Client, address: str) -> str:
    """What the ssh service at an address says first."""
    script = (
        "import socket, sys; s = socket.create_connection((sys.argv[1], 22), 1);"
        " print(s.recv(99).decode())"
    )
    return client.run(["python3", "-c", script, address]).stdout


def build_deb(directory: Path, depends: str) -> Path:
    """A package of one file that depends on another."""
    control = directory / "tree" / "DEBIAN" / "control"
    content = directory / "tree" / "usr/share/remit-trial/file"
    for path in (control, content):
        path.parent.mkdir(parents=True)
    content.write_text("in the package\n")
    control.write_text(
        "Package: remit-trial\nVersion: 1\nArchitecture: all\nDescription: trial\n"
        f"Maintainer: Nobody <nobody@localhost>\nDepends: {depends}\n"
    )
    deb = directory / "remit-trial.deb"
    argv = ["dpkg-deb", "--build", "--root-owner-group", str(directory / "tree"), str(deb)]
    subprocess.run(argv, capture_output=True, check=True)
    return deb


def traces_of(pid: int) -> list[str]:
    """Namespaces, control groups and mounts of another run."""
    name = f"remit-test-{pid}-"
    places = [Path("/run/netns"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")]
    found = [str(path) for place in places for path in place.glob(f"{name}*")]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return found + [line for line in mounts if name in line]
