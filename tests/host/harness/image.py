"""Images of Debian releases: built by debootstrap once, cached, never booted themselves.

An image is a directory with two trees. `plain` is a fresh server on which apt can install remit's
dependencies without a network, because they lie in its archive cache; `ready` is the difference
that installing them makes, an overlay on it. Hosts boot on an overlay over these (machine.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from tests.host.harness import recipe
from tests.host.harness.tools import HarnessProblem, Say, apt_setting, debian_archive, say_on_stderr

Release = Literal["bookworm", "trixie"]
Layer = Literal["plain", "ready"]
RELEASES: tuple[Release, ...] = ("bookworm", "trixie")

# Whatever a build mounts and starts ends with it, even when it is killed.
_CONTAINED = (
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--mount",
    "--pid",
    "--mount-proc",
    "--fork",
    "--kill-child",
    "--",
)

_STAGES = {
    "I: Retrieving InRelease": "finding packages",
    "I: Extracting": "unpacking the base",
    "I: Unpacking the base system": "installing",
}


@dataclass(frozen=True)
class Image:
    """One release's finished trees, kept from removal by others for as long as it is held."""

    release: Release
    directory: Path
    in_use: IO[str]

    def lower_directories(self, layer: Layer) -> tuple[Path, ...]:
        """The trees to stack beneath a host, uppermost first."""
        plain = self.directory / "plain"
        return (plain,) if layer == "plain" else (self.directory / "ready", plain)


def cache_directory() -> Path:
    """Where images are kept between runs."""
    return Path(os.environ.get("REMIT_CACHE", "/var/cache/remit-tests"))


def open_images(releases: Iterable[Release], say: Say = say_on_stderr) -> dict[Release, Image]:
    """The images of these releases, all built at the same time where they are missing."""
    cache_directory().mkdir(mode=0o755, parents=True, exist_ok=True)
    wanted = list(releases)
    with ThreadPoolExecutor() as pool:
        return dict(zip(wanted, pool.map(lambda name: open_image(name, say), wanted), strict=True))


def open_image(release: Release, say: Say = say_on_stderr) -> Image:
    """The image of a release, built first if there is none of today's recipe."""
    cache = cache_directory()
    directory = cache / f"{release}-{_recipe_hash()}"
    with _locked(cache / f"{release}.lock", f"waiting for another build of {release}", say):
        if not directory.is_dir():
            _build(release, directory, say)
        in_use = open(directory / "in-use", "a")  # noqa: SIM115 - the image holds it
        fcntl.flock(in_use, fcntl.LOCK_SH)
        _remove_others(cache, release, directory)
    return Image(release, directory, in_use)


def _recipe_hash() -> str:
    assert recipe.__file__
    return hashlib.sha256(Path(recipe.__file__).read_bytes()).hexdigest()[:12]


@contextmanager
def _locked(path: Path, why: str, say: Say) -> Iterator[None]:
    with open(path, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"remit: {why}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_others(cache: Path, release: Release, current: Path) -> None:
    """Remove images of older recipes and unfinished ones, unless a host stands on them."""
    mounts = Path("/proc/self/mounts").read_text()  # a kept host's run is over, its mounts are not
    for other in cache.glob(f"{release}-*"):
        if other == current or f"{other}/" in mounts:
            continue
        with open(other / "in-use", "a") as in_use:
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(other)


def _build(release: Release, directory: Path, say: Say) -> None:
    started = time.monotonic()
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    plain, ready = unfinished / "plain", unfinished / "ready"
    ready.mkdir(parents=True)
    with open(unfinished / "build.log", "w") as log:
        try:
            _debootstrap(release, plain, log, say)
            say(f"remit: image of {release}: downloading the dependencies of remit")
            _write_files(plain)
            _apt_from_outside(plain, log)
            say(f"remit: image of {release}: installing the dependencies of remit")
            _install_dependencies(plain, ready, unfinished, log)
        except subprocess.CalledProcessError as problem:
            log.flush()
            tail = "".join((unfinished / "build.log").read_text().splitlines(keepends=True)[-30:])
            raise HarnessProblem(f"building {release} failed: {problem}\n{tail}") from problem
    unfinished.rename(directory)
    say(f"remit: image of {release}: done in {time.monotonic() - started:.0f} s")


def _debootstrap(release: Release, root: Path, log: IO[str], say: Say) -> None:
    archive = debian_archive(say)
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(recipe.PACKAGES)}"]
    argv += [release, str(root), *([archive] if archive else [])]  # else debootstrap's default
    say(f"remit: image of {release}: debootstrap from {archive or 'the default archive'}")
    with subprocess.Popen(
        [*_CONTAINED, *argv],
        env=_download_environment(root.parent),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        stages = dict(_STAGES)
        for line in process.stdout:
            log.write(line)
            begun = next((text for text in stages if line.startswith(text)), None)
            if begun:
                say(f"remit: image of {release}: {stages.pop(begun)}")
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)


def _download_environment(directory: Path) -> dict[str, str]:
    """This machine's apt proxy and certificate authority, for debootstrap's wget."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    for scheme in ("http", "https"):
        if proxy := apt_setting(f"Acquire::{scheme}::Proxy"):
            environment[f"{scheme}_proxy"] = proxy
    if authority := apt_setting("Acquire::https::CAInfo"):
        wgetrc = directory / "wgetrc"
        wgetrc.write_text(f"ca_certificate = {authority}\n")
        environment["WGETRC"] = str(wgetrc)
    return environment


def _write_files(root: Path) -> None:
    for name, text in recipe.FILES.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, target in recipe.LINKS.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    shutil.rmtree(root / "var/log/journal", ignore_errors=True)
    for kept_until_changed in ("etc/.updated", "var/.updated"):
        (root / kept_until_changed).touch()
    (root / "etc/resolv.conf").write_text("")
    (root / "etc/hostname").write_text("localhost\n")
    for stale in (root / "var/cache/apt/archives").glob("*.deb"):
        stale.unlink()


def _apt_from_outside(root: Path, log: IO[str]) -> None:
    """Download the dependencies into the image with this machine's apt, its proxy and its keys."""
    argv = [
        "apt-get",
        f"-oDir={root}/",
        f"-oDir::State::status={root}/var/lib/dpkg/status",
        "-oDir::Bin::methods=/usr/lib/apt/methods",
        "-oDir::Cache::pkgcache=",
        "-oDir::Cache::srcpkgcache=",
        "install",
        "--yes",
        "--download-only",
        *recipe.DEPENDENCIES,
    ]
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)


def _install_dependencies(plain: Path, ready: Path, scratch: Path, log: IO[str]) -> None:
    root, work = scratch / "root", scratch / "work"
    for directory in (root, work):
        directory.mkdir()
    layers = f"lowerdir={plain},upperdir={ready},workdir={work}"
    script = """
        set -e
        mount -t overlay -o "$1" overlay "$2"
        shift
        exec chroot "$@"
    """
    install = ["apt-get", "install", "--yes", *recipe.DEPENDENCIES]
    subprocess.run(
        [*_CONTAINED, "sh", "-c", script, "sh", layers, str(root), *install],
        env={
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        check=True,
    )
    shutil.rmtree(work)
    root.rmdir()
