"""Everything a run of host tests or a demonstration has: images, a network, hosts, clients."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.image import Image, Layer, Release, open_images
from tests.host.harness.machine import Machine
from tests.host.harness.network import Network
from tests.host.harness.tools import Say, require_tools, say_on_stderr
from tests.host.harness.workspace import Workspace


class Laboratory:
    """Boots hosts and makes clients on one network; takes all of it away at the end."""

    def __init__(self, releases: Iterable[Release], say: Say = say_on_stderr) -> None:
        require_tools(say)
        self.releases = tuple(releases)
        self._images: dict[Release, Image] = open_images(self.releases, say)
        self._installed: dict[tuple[Release, str], Path] = {}
        self._workspace = Workspace()
        self.network = Network(self._workspace)
        self.hosts: list[Host] = []
        self.clients: list[Client] = []
        self._kept = False

    def boot(self, release: Release, layer: Layer = "ready", name: str = "host") -> Host:
        """A new host with nothing of remit on it."""
        return self._boot(release, self._images[release].lower_directories(layer), name)

    def boot_installed(self, release: Release, debs: Sequence[Path], name: str = "host") -> Host:
        """A new host with these packages installed; they are installed once in a run."""
        key = release, _hash_of(debs)
        ready = self._images[release].lower_directories("ready")
        if key not in self._installed:
            first = self.boot(release, "ready", f"{name}-install")
            try:
                first.install(debs)
                first.power_off()
            finally:
                written = self.remove(first)
            self._installed[key] = written
        return self._boot(release, (self._installed[key], *ready), name)

    def new_client(self, name: str = "client") -> Client:
        """A new client machine on the network."""
        link = self.network.connect(name)
        client = Client(link, self._workspace.directory / link.namespace / "home")
        self.clients.append(client)
        return client

    def remove(self, host: Host) -> Path:
        """End a host and take it off the network; returns the layer that it had written."""
        self.hosts.remove(host)
        return host.machine.remove()

    def remove_client(self, client: Client) -> None:
        """End what runs on a client and take it off the network."""
        self.clients.remove(client)
        client.remove()

    def keep(self) -> None:
        """Leave hosts and clients up at the end; workspace.end_kept_runs takes them away."""
        self._kept = True
        self._workspace.keep()

    def close(self) -> None:
        """End all hosts and clients and leave no trace, unless `keep` was called."""
        if not self._kept:
            for host in list(self.hosts):
                self.remove(host)
            for client in list(self.clients):
                self.remove_client(client)
            self.network.close()
        self._workspace.close()
        for image in self._images.values():
            image.in_use.close()

    def __enter__(self) -> Laboratory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _boot(self, release: Release, lower: Sequence[Path], name: str) -> Host:
        host = Host(Machine(self._workspace, self.network.connect(name), lower), release)
        self.hosts.append(host)
        try:
            host.boot()
        except BaseException:
            self.remove(host)
            raise
        return host


def _hash_of(debs: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for deb in sorted(debs):
        digest.update(deb.read_bytes())
    return digest.hexdigest()
