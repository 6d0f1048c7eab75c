"""What a client feels: run on a client machine by run.py, prints rows as JSON.

Every figure is taken in turn with its peer's, on the same host, as the same user, with the same
password. OpenSSH is Debian's, with Debian's configuration.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import remit
from tests.bench.table import Row, from_runs

REMIT = str(Path(__file__).parents[2] / "service" / "bin" / "remit")
CONNECTIONS = 15
COMMANDS = 60
STREAMS = 3
GIB = 1 << 30


class Peers:
    """The two ways to the host."""

    def __init__(self, host: str, user: str, password_file: str, home: str) -> None:
        self.host = host
        self.password = Path(password_file).read_text().strip()
        self.user = user
        self.environment = {
            **os.environ,
            "REMIT_USER": user,
            "REMIT_PASSWORD_FILE": password_file,
        }
        control = Path(tempfile.mkdtemp()) / "ssh"  # a socket's path has to be short
        self._ssh = [
            "ssh",
            "-F",
            "none",
            f"-oUserKnownHostsFile={home}/ssh_known_hosts",
            "-oStrictHostKeyChecking=accept-new",
            f"-oControlPath={control}",
            "-oLogLevel=ERROR",
            f"{user}@{host}",
        ]
        self._sshpass = ["sshpass", f"-f{password_file}"]

    def ssh(self, *command: str) -> list[str]:
        """A new connection with the password."""
        options = ["-oControlMaster=no", "-oControlPath=none"]
        return [*self._sshpass, self._ssh[0], *options, *self._ssh[1:], *command]

    @contextlib.contextmanager
    def master(self) -> Iterator[None]:
        """The connection that others share, while the block runs."""
        argv = [*self._sshpass, self._ssh[0], "-M", "-N", *self._ssh[1:]]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as master:
            try:
                asked = [self._ssh[0], "-O", "check", *self._ssh[1:]]
                while subprocess.run(asked, stderr=subprocess.DEVNULL).returncode != 0:
                    if master.poll() is not None:
                        raise RuntimeError("ssh could not make the connection to share")
                    time.sleep(0.05)  # sleeps: ssh tells nobody when its socket is there
                yield
            finally:
                master.terminate()

    def shared(self, *command: str) -> list[str]:
        return [*self._ssh, *command]

    def remit(self, *words: str) -> list[str]:
        return [REMIT, *words]

    def timed(self, argv: Sequence[str]) -> float:
        """Milliseconds of a whole process that has to succeed; its output is thrown away."""
        start = time.perf_counter()
        subprocess.run(
            argv,
            env=self.environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return (time.perf_counter() - start) * 1000


def in_turn(
    runs: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> list[tuple[float, float]]:
    """Pairs of figures, one run of each in turn, after one of each that does not count."""
    ours(), theirs()
    return [(ours(), theirs()) for _ in range(runs)]


def connections(peers: Peers) -> Row:
    ours = peers.remit("run", f"bench@{peers.host}", "true")
    pairs = in_turn(CONNECTIONS, lambda: peers.timed(ours), lambda: peers.timed(peers.ssh("true")))
    return from_runs("new connection, true, close", "ms", pairs, "ssh, password", 0.8)


def held(peers: Peers) -> list[Row]:
    """`true` in a session that is there already, against a connection that is."""
    shared = peers.shared("true")
    target = f"bench@{peers.host}"
    with peers.master():
        with remit.connect(target, user=peers.user, password=peers.password) as connection:
            session = connection.open()

            def once() -> float:
                start = time.perf_counter()
                result = session.run(["true"])
                took = (time.perf_counter() - start) * 1000
                if result.status != 0:
                    raise RuntimeError(result)
                return took

            library = in_turn(COMMANDS, once, lambda: peers.timed(shared))
            session.close()
        peers.timed(peers.remit("new", target, "--name", "held"))
        ours = peers.remit("run", "-s", f"held@{peers.host}", "true")
        line = in_turn(CONNECTIONS, lambda: peers.timed(ours), lambda: peers.timed(shared))
        peers.timed(peers.remit("remove", "-s", f"held@{peers.host}"))
    return [
        from_runs("true in a held session, library", "ms", library, "ssh, ControlMaster", 0.5),
        from_runs("true in a held session, command", "ms", line, "ssh, ControlMaster"),
    ]


def output(peers: Peers) -> Row:
    ours = peers.remit("run", f"bench@{peers.host}", "head", "-c", str(GIB), "/dev/zero")
    theirs = peers.ssh("head", "-c", str(GIB), "/dev/zero")
    pairs = in_turn(STREAMS, lambda: peers.timed(ours), lambda: peers.timed(theirs))
    seconds = [(a / 1000, b / 1000) for a, b in pairs]
    return from_runs("1 GiB of output", "s", seconds, "ssh, password", 1.0)


def main() -> int:
    peers = Peers(*sys.argv[1:5])
    rows = [connections(peers), *held(peers), output(peers)]
    sys.stdout.write(json.dumps([asdict(row) for row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
