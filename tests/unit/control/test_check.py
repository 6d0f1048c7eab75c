"""remitctl check: the installed files, one endpoint, and drafts that lie elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from remit.control.check import Checker
from remit.control.failure import Failure

WEB = '[roles]\nroot = ["reader"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a good role, a good endpoint and a bad one."""
    root = tmp_path / "host"
    write(root / "usr/bin/df", "", 0o755)
    write(root / "etc/remit/roles/reader.toml", '[commands]\ndf = "/usr/bin/df"')
    write(root / "etc/remit/endpoints/good.toml", WEB)
    write(root / "etc/remit/endpoints/bad.toml", f"{WEB}[acess]\n[sandbox]\nNice = 99")
    return root


def write(file: Path, content: str, mode: int = 0o644) -> Path:
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(mode)
    return file


def check(root: Path, *targets: str | Path) -> list[str]:
    return [str(problem) for problem in Checker(str(root)).check(map(str, targets))]


BAD = [
    "/etc/remit/endpoints/bad.toml: acess: found an unknown key, expected a key of this file "
    "(did you mean access?)",
    "/etc/remit/endpoints/bad.toml: sandbox.Nice: found 99, expected a whole number from -20 to 19",
]


def test_everything(root: Path) -> None:
    assert check(root) == BAD


def test_one_endpoint(root: Path) -> None:
    assert check(root, "good") == []
    assert check(root, "bad") == BAD
    assert check(root, "good", "bad", "bad") == BAD


def test_installed_file(root: Path) -> None:
    assert check(root, "/etc/remit/endpoints/bad.toml") == BAD
    assert check(root, "/etc/remit/roles/reader.toml") == []


@pytest.mark.parametrize(
    "target, message",
    [
        ("godd", "no endpoint godd on this host; did you mean good?"),
        ("/etc/remit/endpoints/none.toml", "/etc/remit/endpoints/none.toml: no such file"),
        ("/none/web.toml", "/none/web.toml: No such file or directory"),
        ("/none/web", "/none/web: expected a file NAME.toml"),
    ],
)
def test_what_is_not_there(root: Path, target: str, message: str) -> None:
    with pytest.raises(Failure) as failure:
        check(root, target)
    assert failure.value.message == message


def test_draft_of_an_endpoint(root: Path, tmp_path: Path) -> None:
    """Wherever it lies and whoever owns it: it is not in force there."""
    assert check(root, write(tmp_path / "new.toml", WEB, 0o666)) == []
    draft = write(tmp_path / "new.toml", "[roles]\nroot = ['raeder']", 0o666)
    assert check(root, draft) == [
        f'{draft}: roles: found unknown role "raeder", expected a role that can be loaded '
        "(did you mean reader?)"
    ]


def test_draft_of_a_role(root: Path, tmp_path: Path) -> None:
    draft = write(tmp_path / "other.toml", '[commands]\ndf = "/usr/bin/dff"')
    assert check(root, draft) == [
        f"{draft}: commands.df.exec: found no such file /usr/bin/dff, expected one that exists"
    ]


def test_draft_of_a_role_that_endpoints_have(root: Path, tmp_path: Path) -> None:
    """What it would break elsewhere is said too."""
    draft = write(
        tmp_path / "roles/reader.toml", '[params]\nUNIT = {}\n[commands]\ndf = "/usr/bin/df UNIT"'
    )
    assert check(root, draft) == [
        "/etc/remit/endpoints/good.toml: params.UNIT: found nothing, expected a kind of parameter "
        "(role reader needs UNIT)"
    ]


def test_draft_with_a_bad_name(root: Path, tmp_path: Path) -> None:
    draft = write(tmp_path / "Web.toml", WEB)
    (problem,) = check(root, draft)
    assert problem.startswith(f'{draft}: found the name "Web", expected a-z first')
