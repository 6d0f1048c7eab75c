"""Networks of the tests: one switch, and a machine's end of a cable to it.

The switch is a bridge in a network namespace of its own; a link is a veth pair between it and the
namespace of a host or client. No packet gets out of these namespaces, so the addresses are those
that RFC 5737 and RFC 3849 set aside for documentation.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.host.harness.workspace import Workspace

_BRIDGE = "switch"
_CONFIGURATION = Path("/etc/netns")


class Network:
    """A switch; machines on it see each other and nothing else, and know each other's names."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.namespace = _new_namespace(workspace.new_name("switch"))
        _ip(self.namespace, f"link add {_BRIDGE} up type bridge forward_delay 0")
        self._links: dict[str, Link] = {}
        self._machines = 0

    def connect(self, name: str) -> Link:
        """A new namespace for a machine of this name, with a cable to the switch."""
        if name in self._links:
            raise ValueError(f"there is a machine {name!r} on this network already")
        self._machines += 1
        link = Link(self, self._workspace.new_name(name), name, self._machines)
        self._links[name] = link
        self._publish_names()
        return link

    def disconnect(self, link: Link) -> None:
        """Remove a machine's namespace and with it both ends of its cable."""
        if self._links.pop(link.name, None):
            _delete_namespace(link.namespace)
            self._publish_names()

    def close(self) -> None:
        """Remove the switch and all that is connected to it."""
        for link in list(self._links.values()):
            self.disconnect(link)
        _delete_namespace(self.namespace)

    @property
    def hosts_file(self) -> str:
        """The text of /etc/hosts that names every machine here."""
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        for link in self._links.values():
            lines += [f"{link.address} {link.name}", f"{link.address6} {link.name}"]
        return "\n".join(lines) + "\n"

    def _publish_names(self) -> None:
        """`ip netns exec` mounts these over /etc/hosts and /etc/resolv.conf."""
        for link in self._links.values():
            directory = _CONFIGURATION / link.namespace
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            (directory / "hosts").write_text(self.hosts_file)
            (directory / "resolv.conf").write_text("")


class Link:
    """One machine's network namespace, its addresses and its cable to the switch."""

    def __init__(self, network: Network, namespace: str, name: str, number: int) -> None:
        self._network = network
        self._port = f"port{number}"
        self.name = name
        self.namespace = _new_namespace(namespace)
        self.address = f"198.51.100.{number}"
        self.address6 = f"2001:db8::{number:x}"
        switch = network.namespace
        _ip(namespace, f"link add eth0 type veth peer name {self._port} netns {switch}")
        _ip(switch, f"link set {self._port} master {_BRIDGE} up")
        _ip(namespace, f"addr add {self.address}/24 dev eth0")
        _ip(namespace, f"addr add {self.address6}/64 dev eth0 nodad")
        _ip(namespace, "link set eth0 up")

    def cut(self) -> None:
        """Pull the cable at the switch: packets are lost, and nobody is told."""
        _ip(self._network.namespace, f"link set {self._port} down")

    def restore(self) -> None:
        """Put the cable back."""
        _ip(self._network.namespace, f"link set {self._port} up")

    def close(self) -> None:
        """Take the machine off the network for good."""
        self._network.disconnect(self)


def _new_namespace(name: str) -> str:
    subprocess.run(["ip", "netns", "add", name], check=True)
    _ip(name, "link set lo up")
    return name


def _delete_namespace(name: str) -> None:
    subprocess.run(["ip", "netns", "delete", name], check=True)
    directory = _CONFIGURATION / name
    for file in directory.glob("*"):
        file.unlink()
    if directory.is_dir():
        directory.rmdir()


def _ip(namespace: str, command: str) -> None:
    subprocess.run(["ip", "-n", namespace, *command.split()], check=True)
