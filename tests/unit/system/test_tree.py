"""openat2: what lies beneath a directory, and what only seems to."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.system.tree import open_beneath


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    top = tmp_path / "top"
    (top / "inner").mkdir(parents=True)
    (top / "inner" / "file").write_text("inside")
    (tmp_path / "secret").write_text("outside")
    (top / "link").symlink_to("inner/file")
    (top / "up").symlink_to("../secret")
    (top / "absolute").symlink_to(top / "inner" / "file")
    (top / "magic").symlink_to("/proc/self/root")
    descriptor = os.open(top, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("path", ["inner/file", "link", "./inner/../inner/file"])
def test_inside(root: int, path: str) -> None:
    found = open_beneath(root, path, os.O_RDONLY)
    assert not os.get_inheritable(found)
    with os.fdopen(found) as file:
        assert file.read() == "inside"


@pytest.mark.parametrize("path", ["../secret", "up", "absolute", "/etc/passwd", "magic/etc/passwd"])
def test_outside(root: int, path: str) -> None:
    with pytest.raises(OSError) as caught:
        open_beneath(root, path, os.O_RDONLY)
    assert caught.value.errno in (errno.EXDEV, errno.ELOOP)


def test_missing(root: int) -> None:
    with pytest.raises(FileNotFoundError):
        open_beneath(root, "missing", os.O_PATH)
