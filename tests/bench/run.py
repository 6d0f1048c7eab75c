"""`make bench`: remit beside OpenSSH on one booted host, in one run.

Prints a table and writes build/bench.json. Machines differ and are noisy: the ratios are what
counts, and only those of one run.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row, from_runs, show, write
from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.image import RELEASES
from tests.host.harness.laboratory import Laboratory

REPOSITORY = Path(__file__).parents[2]
USER, PASSWORD = "bench", "correct horse battery"
SESSIONS = 5
WORKER_MB = 10.0
READY_MS = 60.0

ROLE = """\
[commands]
true = "/usr/bin/true"
head = "/usr/bin/head [-c BYTES] /dev/zero"

[params]
BYTES = { integer = [1, 1073741824] }
"""
ENDPOINT = """\
description = "Measurements"

[access]
allow = ["bench"]

[roles]
bench = ["bench"]
"""
MINIMAL = """
[session]
run_as = "caller"

[sandbox]
LockPersonality = false
PrivateDevices = false
PrivateIPC = false
PrivateNetwork = false
PrivateTmp = false
ProtectClock = false
ProtectHome = false
ProtectHostname = false
ProtectKernelLogs = false
ProtectKernelModules = false
ProtectKernelTunables = false
ProtectProc = "default"
ProtectSystem = false
"""


def prepare(host: Host, client: Client) -> Path:
    """The user, the endpoints, sshd and the client's trust; returns the password's file."""
    host.add_user(USER, PASSWORD)
    host.write_file("/etc/remit/roles/bench.toml", ROLE)
    host.write_file("/etc/remit/endpoints/bench.toml", ENDPOINT)
    host.write_file("/etc/remit/endpoints/minimal.toml", ENDPOINT + MINIMAL)
    host.run(["remitctl", "check"])
    host.run(["remitctl", "reload"])
    host.run(["systemctl", "start", "ssh.service", "remit-gate.service"])
    password = client.home / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    said = host.run(["remitctl", "status"]).stdout
    fingerprint = re.search(r"SHA256:\S+", said)
    assert fingerprint, said
    remit(client, password, "trust", host.address, "--fingerprint", fingerprint[0])
    return password


def remit(client: Client, password: Path, *words: str) -> str:
    environment = {"REMIT_USER": USER, "REMIT_PASSWORD_FILE": str(password)}
    program = str(REPOSITORY / "service" / "bin" / "remit")
    return client.run([program, *words], environment=environment).stdout


def felt_by_clients(host: Host, client: Client, password: Path) -> Iterator[Row]:
    argv = [sys.executable, "-m", "tests.bench.measure", host.address, USER, str(password)]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'service'}"}
    done = client.run([*argv, str(client.home)], environment=environment, timeout=600)
    for row in json.loads(done.stdout):
        yield Row(**row)


def of_idle_sessions(host: Host, client: Client, password: Path) -> Iterator[Row]:
    """What one idle session costs in memory, beside what one idle ssh connection costs."""
    names = [f"idle-{number}" for number in range(SESSIONS)]
    for name in names:
        remit(client, password, "new", f"bench@{host.address}", "--name", name)
    workers = [pss(each.pid) for each in host.processes("/remit.slice")]
    connections = [pss_of_ssh(host, client, password) for _ in range(SESSIONS)]
    for name in names:
        remit(client, password, "remove", "-s", f"{name}@{host.address}")
    pairs = list(zip(workers, connections, strict=True))
    yield from_runs("memory of an idle session", "MB", pairs, "sshd for an idle connection")
    limits = [(each, WORKER_MB) for each in workers]
    yield from_runs("memory of a worker", "MB", limits, "the limit", 1.0)


def pss_of_ssh(host: Host, client: Client, password: Path) -> float:
    """The sum of what sshd runs for one connection in which a program sleeps."""
    argv = ["sshpass", f"-f{password}", "ssh", "-F", "none", "-oStrictHostKeyChecking=no"]
    argv += ["-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", f"{USER}@{host.address}"]
    before = {each.pid for each in host.processes()}
    ready = "echo ready; exec sleep 60"
    with client.start([*argv, ready]) as program:
        assert program.stdout
        assert program.stdout.readline() == b"ready\n"
        new = [each for each in host.processes() if each.pid not in before]
        return sum(pss(each.pid) for each in new if each.argv.startswith("sshd"))


def pss(pid: int) -> float:
    """Proportional set size in MB (10^6 bytes)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
    assert found
    return int(found[1]) * 1024 / 1e6


def of_starts(host: Host, client: Client, password: Path) -> Iterator[Row]:
    """From PID 1's beginning of a session's start to its worker's word that it is ready."""
    for endpoint, target in (("minimal", 1.0), ("bench", None)):
        took = []
        for _ in range(SESSIONS * 2):
            name = remit(client, password, "new", f"{endpoint}@{host.address}").partition("@")[0]
            (unit,) = [each.name for each in host.units("remit-session-*.service")]
            begun = int(host.unit_property(unit, "InactiveExitTimestampMonotonic"))
            ready = int(host.unit_property(unit, "ActiveEnterTimestampMonotonic"))
            took.append(((ready - begun) / 1000, READY_MS))
            remit(client, password, "remove", "-s", f"{name}@{host.address}")
        kind = "minimal" if endpoint == "minimal" else "default"
        yield from_runs(f"worker ready, {kind} sandbox", "ms", took, "the limit", target)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--release", choices=RELEASES, default="bookworm")
    release = parser.parse_args().release
    subprocess.run(["make", "--silent", "deb"], cwd=REPOSITORY, check=True)
    debs = sorted((REPOSITORY / "build").glob("*.deb"))
    with Laboratory([release]) as laboratory:
        host = laboratory.boot_installed(release, debs, "bench")
        client = laboratory.new_client("laptop")
        password = prepare(host, client)
        rows: list[Row] = []
        for part in (felt_by_clients, of_idle_sessions, of_starts):
            rows += part(host, client, password)
    write(rows, REPOSITORY / "build" / "bench.json")
    sys.stdout.write(f"\nremit and its peers on Debian {release}\n{show(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
