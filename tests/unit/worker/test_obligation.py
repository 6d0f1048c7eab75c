"""Users and paths, looked up on this very host."""

from __future__ import annotations

from pathlib import Path

import pytest

from remit.policy.obligation import Obligation, PathObligation, UserObligation
from remit.worker.obligation import discharge


def user(value: str, **rules: object) -> UserObligation:
    fields: dict[str, object] = {"groups": (), "not_groups": (), "names": (), "min_uid": 1}
    return UserObligation("USER", value, **{**fields, **rules})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "obligation, expected",
    [
        (user("daemon"), True),
        (user("daemon", min_uid=1000), False),
        (user("daemon", min_uid=1000, names=("daemon",)), True),
        (user("daemon", groups=("daemon",)), True),
        (user("daemon", groups=("nogroup", "daemon")), True),
        (user("daemon", groups=("nogroup",)), False),
        (user("daemon", not_groups=("daemon",)), False),
        (user("daemon", names=("daemon",), not_groups=("daemon",)), False),
        (user("root", min_uid=0), False),
        (user("root", names=("root",)), True),
        (user("no-such-user"), False),
        (user("1"), False),  # a uid is no name
        (user("dae\0mon"), False),
    ],
)
def test_users(obligation: UserObligation, expected: bool) -> None:
    assert discharge(obligation, "/") is expected


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """root/{file,dir/inner,out -> ../secret,in -> dir} and secret beside it."""
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "file").write_text("")
    (root / "dir" / "inner").write_text("")
    (tmp_path / "secret").write_text("")
    (root / "out").symlink_to("../secret")
    (root / "absolute").symlink_to(root / "file")
    (root / "in").symlink_to("dir")
    (root / "dangling").symlink_to("nowhere")
    (tmp_path / "root-evil").mkdir()
    return root


def path(value: str, root: Path, kind: str = "any", excluded: tuple[str, ...] = ()) -> Obligation:
    return PathObligation("PATH", value, ("/nowhere", str(root)), kind, False, excluded)


@pytest.mark.parametrize(
    "value, kind, expected",
    [
        ("file", "file", True),
        ("file", "any", True),
        ("file", "directory", False),
        ("dir", "directory", True),
        ("dir", "file", False),
        (".", "directory", True),
        ("dir/inner", "file", True),
        ("in/inner", "file", True),  # a link that stays inside
        ("out", "any", False),
        ("out", "file", False),
        ("absolute", "file", False),  # from the top of the file system, so not beneath
        ("dir/../file", "any", False),
        ("../secret", "any", False),
        ("missing", "any", False),
        ("missing", "new", True),
        ("in/missing", "new", True),
        ("file", "new", False),
        ("dangling", "new", False),
        ("no/dir/missing", "new", False),
        ("out/missing", "new", False),
        (".", "new", False),
        ("file", "whatever", False),
    ],
)
def test_paths(tree: Path, value: str, kind: str, expected: bool) -> None:
    assert discharge(path(value, tree, kind), str(tree)) is expected
    assert discharge(path(f"{tree}/{value}", tree, kind), "/") is expected


def test_a_name_that_begins_alike_is_not_beneath(tree: Path) -> None:
    assert discharge(path(f"{tree}-evil", tree), "/") is False


def test_excluded_by_name_and_by_where_a_link_leads(tree: Path) -> None:
    assert discharge(path("dir/inner", tree, "any", (f"{tree}/dir/*",)), str(tree)) is False
    assert discharge(path("in/inner", tree, "any", (f"{tree}/dir/*",)), str(tree)) is False
    assert discharge(path("in/new", tree, "new", (f"{tree}/dir/*",)), str(tree)) is False
    assert discharge(path("file", tree, "any", (f"{tree}/dir/*",)), str(tree)) is True


def test_what_is_unknown_is_denied() -> None:
    assert discharge(Obligation(), "/") is False
