"""What only root can change: links, owners, modes and sizes, on real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remit.system.protected import (
    ProtectionFault,
    find_program_fault,
    read_protected_directory,
    read_protected_file,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("etc", "srv"):
        (tmp_path / name).mkdir(mode=0o755)
    write(tmp_path / "etc/file", b"content")
    return tmp_path


def write(file: Path, content: bytes, mode: int = 0o644) -> None:
    file.write_bytes(content)
    file.chmod(mode)


def fault(path: str, root: Path) -> ProtectionFault:
    with pytest.raises(ProtectionFault) as caught:
        read_protected_file(path, str(root))
    return caught.value


def test_content(root: Path) -> None:
    assert read_protected_file("/etc/file", str(root)) == b"content"


def test_links_are_followed_within_the_root(root: Path) -> None:
    (root / "etc/relative").symlink_to("../etc/./file")
    (root / "srv/absolute").symlink_to("/etc/relative")
    (root / "above").symlink_to("../../../../etc/file")
    for path in ("/etc/relative", "/srv/absolute", "/above"):
        assert read_protected_file(path, str(root)) == b"content"


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "etc/a").symlink_to("b")
    (root / "etc/b").symlink_to("a")
    assert fault("/etc/a", root).found == "too many links"


@pytest.mark.parametrize("path", ["/etc/none", "/etc/file/none", "/none/file"])
def test_missing(root: Path, path: str) -> None:
    assert fault(path, root).found == f"no such file {path}"


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o1666])
def test_writable_file(root: Path, mode: int) -> None:
    (root / "etc/file").chmod(mode)
    assert fault("/etc/file", root).hint == "chmod go-w /etc/file"


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_writable_directory_above(root: Path, mode: int) -> None:
    (root / "etc").chmod(mode)
    assert fault("/etc/file", root).hint == "chmod go-w /etc"


@pytest.mark.parametrize("path", ["etc", "etc/file"])
def test_owner(root: Path, path: str) -> None:
    os.chown(root / path, 12345, -1)
    assert fault("/etc/file", root).found == f"/{path} owned by uid 12345"
    assert fault("/etc/file", root).hint == f"chown root /{path}"


def test_owner_of_a_link(root: Path) -> None:
    (root / "etc/link").symlink_to("file")
    os.chown(root / "etc/link", 12345, -1, follow_symlinks=False)
    assert fault("/etc/link", root).found == "/etc/link owned by uid 12345"


def test_nothing_but_files(root: Path) -> None:
    os.mkfifo(root / "etc/pipe", 0o644)
    assert fault("/etc/pipe", root).found == "a pipe"
    assert fault("/etc", root).found == "a directory"


def test_limit(root: Path) -> None:
    assert read_protected_file("/etc/file", str(root), limit=7) == b"content"
    with pytest.raises(ProtectionFault, match="a larger file"):
        read_protected_file("/etc/file", str(root), limit=6)


def test_directory(root: Path) -> None:
    write(root / "etc/open", b"", 0o666)
    (root / "etc/sub").mkdir()
    found = read_protected_directory("/etc", str(root))
    assert found.pop("file") == b"content"
    faults = {name: each.found for name, each in found.items() if isinstance(each, OSError)}
    assert faults == {"open": "/etc/open with mode 0666", "sub": "a directory"}


def test_directory_that_is_none(root: Path) -> None:
    assert read_protected_directory("/none", str(root)) == {}
    with pytest.raises(ProtectionFault):
        read_protected_directory("/etc/file", str(root))


def test_program(root: Path) -> None:
    write(root / "srv/program", b"", 0o755)
    assert find_program_fault("/srv/program", str(root)) is None
    (root / "srv/program").chmod(0o644)
    found = find_program_fault("/srv/program", str(root))
    assert found is not None
    assert found.found == "not executable"


def test_programs_of_this_host() -> None:
    assert find_program_fault("/usr/bin/env") is None
    assert find_program_fault("/etc/passwd") is not None


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "etc/sub").mkdir()
    before = os.listdir("/proc/self/fd")
    read_protected_directory("/etc", str(root))
    fault("/etc/sub", root)
    assert os.listdir("/proc/self/fd") == before
