"""What the harness needs of the machine it runs on, and where that machine gets Debian from.

Nothing is skipped for want of a tool: what is missing is installed, with a word about it, or the
run fails and says what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable

Say = Callable[[str], None]

_PACKAGES = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "systemd-nspawn": "systemd-container",
}


class HarnessProblem(Exception):
    """The harness cannot do its work; the message says why and what would help."""


def say_on_stderr(line: str) -> None:
    """Print a line of progress where a person sees it at once."""
    print(line, file=sys.stderr, flush=True)


def require_tools(say: Say = say_on_stderr) -> None:
    """Install the Debian packages that the harness needs and this machine lacks."""
    if os.geteuid() != 0:
        raise HarnessProblem("host tests boot machines and need root; run them as root")
    missing = sorted({package for tool, package in _PACKAGES.items() if not shutil.which(tool)})
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    if not os.path.exists(keyring):
        missing.append("debian-archive-keyring")
    if missing:
        install_packages(missing, "the test hosts", say)


def install_packages(packages: Iterable[str], purpose: str, say: Say = say_on_stderr) -> None:
    """Install Debian packages on this machine, after apt-get update where it has no lists."""
    wanted = list(packages)
    if not shutil.which("apt-get"):
        raise HarnessProblem(f"{purpose} need these, and apt-get is not here: {' '.join(wanted)}")
    say(f"remit: installing {' '.join(wanted)} ({purpose} need it)")
    _update_lists_if_missing(say)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "install", "-y", "--no-install-recommends", *wanted],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise HarnessProblem(
            f"could not install {' '.join(wanted)} ({purpose} need it):\n{done.stdout}{done.stderr}"
        )


def debian_archive(say: Say = say_on_stderr) -> str | None:
    """The URI of the Debian archive that this machine's own apt uses, if it uses one."""
    if not shutil.which("apt-get"):
        return None
    _update_lists_if_missing(say)
    for uri, release, component, origin in _index_targets():
        if origin == "Debian" and component == "main" and "-" not in release:
            return uri.rstrip("/")
    return None


def apt_setting(name: str) -> str:
    """One value of this machine's apt configuration, such as Acquire::http::Proxy, or ""."""
    if not shutil.which("apt-config"):
        return ""
    shell = ["apt-config", "--format", "%v%n", "dump", "--no-empty", name]
    lines = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.splitlines()
    return lines[0] if lines else ""


def _update_lists_if_missing(say: Say) -> None:
    if _index_targets():
        return
    say("remit: apt has no package lists, running apt-get update")
    subprocess.run(["apt-get", "update"], stdin=subprocess.DEVNULL, capture_output=True, check=True)


def _index_targets() -> list[list[str]]:
    wanted = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    asked = ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [line.split("|") for line in listed.splitlines()]
