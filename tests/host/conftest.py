"""Fixtures of the host tests: hosts, clients, and the look at each host after each test.

Fixtures:
  release         bookworm, then trixie
  host            a `ready` host of that release, shared by the tests of a module
  plain_host      the same, a fresh server: remit's dependencies are not installed
  installed_host  the same as `host`, with the packages of this tree installed
  boot            boots further hosts for one test
  client          a client machine for one test
  new_client      makes further client machines for one test
  operator        a user to whom host-status is granted; elsewhere: from a second machine
  other_operator  another one
  stranger        a user to whom nothing is granted

After each test every host is looked at (harness/watch.py). A line that a test expects in the
journal it allows with host.journal.allow(REGEX) or @pytest.mark.allow_journal(REGEX); one in the
kernel's log with @pytest.mark.allow_kernel_log(REGEX).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.host.harness.client import Client
from tests.host.harness.host import Host
from tests.host.harness.image import RELEASES, Layer, Release
from tests.host.harness.journal import describe
from tests.host.harness.kernel_log import KernelLog
from tests.host.harness.laboratory import Laboratory
from tests.host.harness.watch import Watch
from tests.host.person import PASSWORD, Person

REPOSITORY = Path(__file__).parents[2]

BootHost = Callable[..., Host]
NewClient = Callable[..., Client]

_laboratory = pytest.StashKey[Laboratory]()
_wanted = pytest.StashKey[tuple[Release, ...]]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for log in ("journal", "kernel_log"):
        config.addinivalue_line("markers", f"allow_{log}(*regexes): lines that a test provokes")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find out which releases the selected tests need: only their images are built."""
    asked = {
        item.callspec.params.get("release")
        for item in session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    }
    session.config.stash[_wanted] = tuple(name for name in RELEASES if name in asked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the hosts logged during the test."""
    report = yield
    laboratory = item.config.stash.get(_laboratory, None)
    if report.failed and laboratory:
        for host in laboratory.hosts:
            if host.machine.is_running:
                lines = [describe(entry) for entry in host.journal.entries()[-60:]]
                report.sections.append((f"journal of {host.name}", "\n".join(lines)))
    return report


@pytest.fixture(scope="session")
def laboratory(pytestconfig: pytest.Config) -> Iterator[Laboratory]:
    """The images of the releases that are tested, and the network."""
    wanted = pytestconfig.stash[_wanted]
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # the first run takes minutes and says so
        laboratory = Laboratory(wanted)
    pytestconfig.stash[_laboratory] = laboratory
    with laboratory:
        yield laboratory


@pytest.fixture(scope="session", params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    """The Debian release that a test runs on."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def host(laboratory: Laboratory, release: Release) -> Iterator[Host]:
    """A host on which the dependencies of remit are installed."""
    host = laboratory.boot(release, "ready", f"{release}-ready")
    yield host
    laboratory.remove(host)


@pytest.fixture(scope="module")
def plain_host(laboratory: Laboratory, release: Release) -> Iterator[Host]:
    """A fresh Debian server that can install the dependencies of remit."""
    host = laboratory.boot(release, "plain", f"{release}-plain")
    yield host
    laboratory.remove(host)


@pytest.fixture(scope="session")
def debs(pytestconfig: pytest.Config) -> list[Path]:
    """The packages of this tree, built now; or those in the directory REMIT_DEBS."""
    directory = Path(os.environ.get("REMIT_DEBS", REPOSITORY / "build"))
    if "REMIT_DEBS" not in os.environ:
        built = subprocess.run(["make", "deb"], cwd=REPOSITORY, capture_output=True, text=True)
        if built.returncode:
            pytest.fail(f"make deb failed:\n{built.stdout}{built.stderr}", pytrace=False)
    found = sorted(directory.glob("*.deb"))
    if not found:
        pytest.fail(f"there are no packages in {directory}; make deb builds them", pytrace=False)
    return found


@pytest.fixture(scope="module")
def installed_host(laboratory: Laboratory, release: Release, debs: list[Path]) -> Iterator[Host]:
    """A host on which the packages of this tree are installed and run."""
    host = laboratory.boot_installed(release, debs, f"{release}-remit")
    yield host
    laboratory.remove(host)


@pytest.fixture(autouse=True)
def _settled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if it left something behind on a host or something unexpected was logged."""
    _set_up_module_hosts(request)
    laboratory = request.config.stash.get(_laboratory, None)
    if laboratory is None:
        yield
        return
    kernel_log = KernelLog()
    watches = [_watch(request, host) for host in laboratory.hosts if host.machine.is_running]
    yield
    problems = [problem for watch in watches for problem in _verdict(watch)]
    allowed = _allowed(request, "kernel_log")
    problems += [
        f"unexpected in the kernel's log: {line}"
        for line in kernel_log.crashes()
        if not any(re.search(pattern, line) for pattern in allowed)
    ]
    kernel_log.close()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def boot(
    request: pytest.FixtureRequest, laboratory: Laboratory, release: Release, _settled: None
) -> Iterator[BootHost]:
    """Boot a host for this test alone: boot(layer="ready", name="other")."""
    watches: list[Watch] = []

    def boot_host(layer: Layer = "ready", name: str = "other") -> Host:
        host = laboratory.boot(release, layer, name)
        watches.append(_watch(request, host))
        return host

    yield boot_host
    problems = [problem for watch in watches for problem in _verdict(watch)]
    for watch in watches:
        laboratory.remove(watch.host)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def new_client(laboratory: Laboratory, _settled: None) -> Iterator[NewClient]:
    """Make a client machine for this test: new_client(name="laptop")."""
    made: list[Client] = []

    def make(name: str = "client") -> Client:
        made.append(laboratory.new_client(name))
        return made[-1]

    yield make
    left = [
        f"{client.name}: processes still run: {client.processes()}"
        for client in made
        if client.processes()
    ]
    for client in made:
        laboratory.remove_client(client)
    if left:
        pytest.fail("\n".join(left), pytrace=False)


@pytest.fixture
def client(new_client: NewClient) -> Client:
    """A client machine with an empty home."""
    return new_client()


def _set_up_module_hosts(request: pytest.FixtureRequest) -> None:
    """Autouse fixtures come first; the hosts have to be there before they can be looked at."""
    for name in ("host", "plain_host", "installed_host"):
        if name in request.fixturenames:
            request.getfixturevalue(name)


def _watch(request: pytest.FixtureRequest, host: Host) -> Watch:
    watch = Watch(host)
    host.journal.allow(*_allowed(request, "journal"))
    return watch


def _allowed(request: pytest.FixtureRequest, log: str) -> list[str]:
    return [regex for mark in request.node.iter_markers(f"allow_{log}") for regex in mark.args]


def _verdict(watch: Watch) -> list[str]:
    problems = watch.problems()
    if problems:
        watch.clean()
    return problems


def _person(host: Host, client: Client, name: str, groups: tuple[str, ...] = ()) -> Person:
    """A user of the host, added at first need, on a client machine that trusts the host."""
    if host.run(["getent", "passwd", name], check=False).returncode:
        host.add_user(name, PASSWORD, groups)
        host.write_file(f"/home/{name}/password", PASSWORD, 0o600, f"{name}:{name}")
    person = Person(host, client, name)
    person.trust()
    return person


@pytest.fixture
def operator(installed_host: Host, client: Client) -> Person:
    """A user to whom host-status is granted."""
    return _person(installed_host, client, "olga", ("remit-host-status",))


@pytest.fixture
def elsewhere(operator: Person, new_client: NewClient) -> Person:
    """The same user on another client machine."""
    return _person(operator.host, new_client("elsewhere"), "olga")


@pytest.fixture
def other_operator(operator: Person) -> Person:
    """Another user to whom host-status is granted."""
    return _person(operator.host, operator.client, "second", ("remit-host-status",))


@pytest.fixture
def stranger(installed_host: Host, client: Client) -> Person:
    """A user of the host to whom nothing is granted."""
    return _person(installed_host, client, "stranger")
