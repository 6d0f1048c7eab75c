"""The packages on booted hosts: installed, upgraded, removed and purged by apt, off line."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.host.conftest import BootHost
from tests.host.harness.host import Host
from tests.tree import ROOT, copy_tree

PACKAGES = ("python3-remit", "remit", "remit-client")
SOCKETS = tuple(sorted(path.name for path in (ROOT / "systemd").glob("*.socket")))
SERVICES = ("remitd.service", "remit-gate.service")
# In the place of a session, but not by its name: remitd ends sessions that it does not know.
SESSION = "remit-in-the-slice.service"

# What apt, dpkg and the other packages' triggers write down for themselves.
BOOKKEEPING = re.compile(
    r"/(proc|sys|dev|tmp|run/(systemd|udev|log|lock|user|dbus|sudo|initctl|utmp)"
    r"|var/(cache|log|lib/(apt|dpkg|systemd/(catalog|coredump|random-seed|timers)))"
    r"|etc/(ld\.so\.cache|(passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock))(/|$)"
)
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")


@pytest.fixture(scope="session")
def newer_debs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same packages, one version on."""
    tree = copy_tree(tmp_path_factory.mktemp("newer"))
    for name in ("packaging/debian/changelog", "service/remit/__init__.py"):
        path = tree / name
        path.write_text(re.sub(r"\d+\.\d+\.\d+", "99.0.0", path.read_text(), count=1))
    subprocess.run([tree / "packaging" / "build-deb"], check=True, stdout=subprocess.DEVNULL)
    return sorted((tree / "build").glob("*.deb"))


def apt(host: Host, verb: str, *packages: str) -> None:
    argv = ["apt-get", verb, "--yes", *packages]
    host.run(argv, environment={"DEBIAN_FRONTEND": "noninteractive"}, timeout=180)


def is_active(host: Host, unit: str) -> bool:
    return host.unit_property(unit, "ActiveState") == "active"


def start_session(host: Host) -> str:
    """Something that runs where sessions do; returns its invocation."""
    start = ["systemd-run", "--quiet", f"--unit={SESSION}", "--slice=remit-test.slice"]
    host.run([*start, "--collect", "sleep", "infinity"])
    return host.unit_property(SESSION, "InvocationID")


def everything(host: Host) -> set[str]:
    """Every path of the host, except what others keep for themselves."""
    find = "find / -path /proc -prune -o -path /sys -prune -o -print"
    found = host.run(find.split(), check=False).stdout.splitlines()
    return {path for path in found if not BOOKKEEPING.match(path) and "__pycache__" not in path}


def accounts(host: Host) -> list[str]:
    return [line for path in ACCOUNTS for line in sorted(host.read_file(path).splitlines())]


def test_installation_starts_everything(plain_host: Host, debs: list[Path]) -> None:
    """On a fresh server: apt brings what is needed, and it runs."""
    host = plain_host
    host.install(debs)
    for unit in (*SOCKETS, "remitd.service"):
        assert is_active(host, unit), unit
        assert host.run(["systemctl", "is-enabled", unit]).stdout.strip() == "enabled"
    assert not is_active(host, "remit-gate.service")
    assert host.run(["systemctl", "is-system-running"]).stdout.strip() == "running"
    assert ":8622 " in host.run(["ss", "--listening", "--tcp", "--numeric"]).stdout
    assert host.run(["remit", "--version"]).stdout.startswith("remit ")
    host.run(["remitctl", "--version"])
    # Everything was compiled for the interpreter that is here; nothing is left to do at run time.
    modules = "/usr/lib/python3/dist-packages/remit"
    stale = ["find", modules, "-name", "*.py", "-newer", f"{modules}/__pycache__"]
    assert not host.run(stale).stdout
    for wanted in ("/usr/share/man/man1/remit.1.gz", "/etc/remit/endpoints", "/etc/remit/roles"):
        assert host.exists(wanted)


def test_nobody_is_admitted_after_the_installation(installed_host: Host) -> None:
    """The one account that was made can do nothing, and opt-in groups are empty."""
    group = installed_host.read_file("/etc/group")
    assert all(line.endswith(":") for line in re.findall(r"^remit.*$", group, re.MULTILINE))
    shadow = installed_host.read_file("/etc/shadow")
    assert re.findall(r"^remit-gate:([^:]*):", shadow, re.MULTILINE)[0].startswith("!")
    assert installed_host.account("remit-gate").shell.endswith("nologin")


def test_upgrade_leaves_sessions_and_sockets_alone(
    boot: BootHost, debs: list[Path], newer_debs: list[Path]
) -> None:
    host = boot()
    host.install(debs)
    host.run(["systemctl", "start", "remit-gate.service"])
    session = start_session(host)
    sockets = [host.unit_property(unit, "InvocationID") for unit in SOCKETS]
    before = [host.unit_property(unit, "MainPID") for unit in SERVICES]
    host.install(newer_debs)
    assert "99.0.0" in host.run(["remit", "--version"]).stdout
    assert host.unit_property(SESSION, "InvocationID") == session
    assert is_active(host, SESSION)
    assert [host.unit_property(unit, "InvocationID") for unit in SOCKETS] == sockets
    after = [host.unit_property(unit, "MainPID") for unit in SERVICES]
    assert all(is_active(host, unit) for unit in (*SOCKETS, *SERVICES))
    assert not set(before) & set(after), "the daemons still run the old version"
    host.run(["systemctl", "stop", SESSION])


def test_upgrade_obeys_the_administrator(
    boot: BootHost, debs: list[Path], newer_debs: list[Path]
) -> None:
    """What he switched off stays off, what he wrote stays written."""
    host = boot()
    host.install(debs)
    host.run(["systemctl", "disable", "--now", "remit-gate.socket"])
    host.write_file("/etc/pam.d/remit", "auth required pam_deny.so\n")
    host.install(newer_debs)
    assert not is_active(host, "remit-gate.socket")
    assert host.read_file("/etc/pam.d/remit") == "auth required pam_deny.so\n"


def test_removal_ends_sessions_and_keeps_the_configuration(
    boot: BootHost, debs: list[Path]
) -> None:
    host = boot()
    host.install(debs)
    host.write_file("/etc/remit/endpoints/mine.toml", 'description = "mine"\n')
    start_session(host)
    apt(host, "remove", *PACKAGES)
    assert not [unit for unit in host.units("remit*") if unit.load != "not-found"]
    assert not host.exists("/run/remit")
    assert host.exists("/etc/remit/endpoints/mine.toml")
    assert host.exists("/etc/pam.d/remit")
    host.run(["rm", "/etc/remit/endpoints/mine.toml"])
    host.install(debs)
    assert is_active(host, "remitd.service")


def test_purge_leaves_nothing(boot: BootHost, debs: list[Path]) -> None:
    host = boot()
    files, people = everything(host), accounts(host)
    host.install(debs)
    assert everything(host) - files, "the comparison sees nothing"
    host.run(["systemctl", "start", "remit-gate.service"])
    host.write_file("/etc/remit/endpoints/mine.toml.d/more.toml", 'description = "mine"\n')
    host.write_file("/run/userdb/remit-v-0.user", "{}")
    host.run(["ln", "--symbolic", "remit-v-0.user", "/run/userdb/61234.user"])
    start_session(host)
    apt(host, "purge", *PACKAGES)
    assert everything(host) - files == set()
    assert accounts(host) == people
    assert not host.units("remit*")
    assert not [process for process in host.processes() if "remit" in process.argv]
