"""`make shell`: a root shell on a booted host with this tree installed, to play with.

The host has a user `cjones` (password: remit) who may use host-status; a client machine outside
has trusted it. Everything is gone when the shell ends.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys

from tests.host.demo import REMIT, REPOSITORY, USER, Demo, say
from tests.host.harness.image import RELEASES
from tests.host.harness.laboratory import Laboratory


def main() -> int:
    parser = argparse.ArgumentParser(prog="make shell", description=__doc__)
    parser.add_argument("--release", choices=RELEASES, default="bookworm")
    release = parser.parse_args().release
    subprocess.run(["make", "--silent", "deb"], cwd=REPOSITORY, check=True)
    with Laboratory([release]) as laboratory:
        host = laboratory.boot(release, "plain", "shell")
        client = laboratory.new_client("laptop")
        demo = Demo(host, client, release)
        demo.prepare()
        enter, environment = client.way(None, {"REMIT_USER": USER}, terminal=False)
        settings = [f"{key}={value}" for key, value in environment.items() if key != "PATH"]
        say(
            f"A root shell on {host.name} ({host.address}). From outside, in another terminal:\n"
            f"  {shlex.join([*enter, 'env', *settings])} {REMIT} run "
            f"host-status@{host.address} uptime"
        )
        return host.interact(["bash", "-i"])


if __name__ == "__main__":
    sys.exit(main())
