"""The catalogue over real files: what is loaded, kept, disabled, and the words of each problem.

Everything lies beneath a root directory of the test's own, programs included; users and groups are
this host's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from remit.daemon.catalog import Catalog

READER = '[commands]\ndf = "/usr/bin/df [-h]"\n'
WEB = '[roles]\nroot = ["reader"]\n'
ENDPOINT = "etc/remit/endpoints/web.toml"
ROLE = "usr/lib/remit/roles/reader.toml"


class Tree:
    """A root directory with files in it, and the catalogue of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = Catalog(str(root))

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> Path:
        file = self.root / path
        for directory in reversed(file.relative_to(self.root).parents[:-1]):
            if not (self.root / directory).is_dir():
                (self.root / directory).mkdir(mode=0o755)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    def problems(self) -> list[str]:
        return [str(problem) for problem in self.catalog.reload()]

    def states(self) -> dict[object, object]:
        return {each["name"]: each["state"] for each in self.catalog.status()}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """One good endpoint with one good role and its program."""
    tree = Tree(tmp_path)
    tree.write("usr/bin/df", "", 0o755)
    tree.write(ROLE, READER)
    tree.write(ENDPOINT, WEB)
    return tree


def test_nothing_installed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert tree.problems() == []
    assert tree.catalog.endpoints == {}
    assert tree.catalog.get("web") is None


def test_good_files_are_loaded(tree: Tree) -> None:
    assert tree.problems() == []
    assert tree.states() == {"web": "loaded"}
    loaded = tree.catalog.get("web")
    assert loaded is not None
    assert loaded.offers["reader"].commands["df"].exec == "/usr/bin/df"


def test_the_administrators_file_replaces_the_vendors_whole(tree: Tree) -> None:
    vendors = 'description = "vendor"\n[roles]\nroot = ["gone"]\n'
    tree.write("usr/lib/remit/endpoints/web.toml", vendors)
    assert tree.problems() == []
    assert tree.catalog.endpoints["web"].description == ""


def test_a_bad_file_of_the_administrators_does_not_uncover_the_vendors(tree: Tree) -> None:
    tree.write("usr/lib/remit/endpoints/web.toml", WEB)
    tree.write(ENDPOINT, "[roles")
    assert len(tree.problems()) == 1
    assert tree.catalog.get("web") is None


FILE = f"/{ENDPOINT}"
BAD_FILES = [
    (
        b"[roles\n",
        f"{FILE}: line 1, column 7: found text that is not TOML, expected a TOML file "
        "(Expected ']' at the end of a table declaration)",
    ),
    (b"a = 1\na = 2\n", "found text that is not TOML, expected a TOML file"),
    (b"a = '\xff'", f"{FILE}: found byte 0xff at offset 5, expected text in UTF-8"),
    (
        b"a = " + b"[" * 5000,
        f"{FILE}: found values nested too deeply, expected a file of tables and lists",
    ),
    (b"#" * (2 << 20), f"{FILE}: found a larger file, expected 1048576 bytes at most"),
    (
        b'[roles]\n"@no-such-group" = ["reader"]',
        f'{FILE}: roles: found unknown group "no-such-group", expected a group of this host',
    ),
    (
        b'[roles]\nno-such-user = ["reader"]',
        f'{FILE}: roles: found unknown user "no-such-user", expected a user of this host',
    ),
    (
        b'[roles]\nroot = ["reader"]\n[access]\ndeny = ["adm"]',
        f'{FILE}: access.deny: found unknown user "adm", expected a user of this host '
        '(write "@adm")',
    ),
    (
        b'[roles]\nroot = ["reader"]\n[session]\nrun_as = "no-such-user"',
        f'{FILE}: session.run_as: found unknown user "no-such-user", expected a user of this host',
    ),
    (
        b'[roles]\nroot = ["reader"]\n[session]\ngroups = ["no-such-group"]',
        f'{FILE}: session.groups: found unknown group "no-such-group", expected a group of this '
        "host",
    ),
    (
        b'[roles]\nroot = ["raeder"]',
        f'{FILE}: roles: found unknown role "raeder", expected a role that can be loaded '
        "(did you mean reader?)",
    ),
    (
        b'[roles]\nroot = ["reader"]\n[sesion]',
        f"{FILE}: sesion: found an unknown key, expected a key of this file "
        "(did you mean session?)",
    ),
]


@pytest.mark.parametrize("content, message", BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_endpoint_is_disabled_if_it_never_was_good(
    tree: Tree, content: bytes, message: str
) -> None:
    tree.write(ENDPOINT, content)
    tree.write("etc/remit/endpoints/other.toml", WEB)
    (problem,) = tree.problems()
    assert message in problem
    assert tree.states() == {"other": "loaded", "web": "disabled"}
    assert tree.catalog.get("web") is None


@pytest.mark.parametrize("content, message", BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_endpoint_is_kept_as_it_last_was_good(tree: Tree, content: bytes, message: str) -> None:
    tree.problems()
    before = tree.catalog.get("web")
    assert before is not None
    tree.write(ENDPOINT, content)
    for _ in range(2):
        (problem,) = tree.problems()
        assert message in problem
        assert tree.states() == {"web": "kept"}
        kept = tree.catalog.get("web")
        assert kept is not None
        assert kept.endpoint == before.endpoint
        assert kept.offers == before.offers


def test_mended_file_is_loaded_again(tree: Tree) -> None:
    tree.problems()
    tree.write(ENDPOINT, "[roles")
    tree.problems()
    tree.write(ENDPOINT, f"description = 'new'\n{WEB}")
    assert tree.problems() == []
    assert tree.states() == {"web": "loaded"}
    assert tree.catalog.endpoints["web"].description == "new"


def test_deleted_file_is_gone(tree: Tree) -> None:
    tree.problems()
    (tree.root / ENDPOINT).unlink()
    assert tree.problems() == []
    assert tree.states() == {}
    assert tree.catalog.get("web") is None


ROLE_PROBLEMS = [
    (
        '[commands]\ndf = "/usr/bin/dff"',
        "commands.df.exec: found no such file /usr/bin/dff, expected one that exists",
    ),
    (
        '[commands]\ndf = "/usr/bin"',
        "commands.df.exec: found a directory, expected an executable program",
    ),
    (
        '[commands]\ndf = "/usr/bin/plain"',
        "commands.df.exec: found not executable, expected an executable program",
    ),
    (
        '[commands]\ndf = "/usr/bin/open"',
        "commands.df.exec: found /usr/bin/open with mode 0777, expected writable by root alone "
        "(chmod go-w /usr/bin/open)",
    ),
    (
        '[commands.df]\nexec = "/usr/bin/df"\nusage = [""]\nhelpers = ["/usr/bin/dff"]',
        "commands.df.helpers: found no such file /usr/bin/dff, expected one that exists",
    ),
]


@pytest.mark.parametrize("content, message", ROLE_PROBLEMS)
def test_bad_role_stays_as_it_was_and_the_endpoints_change_counts(
    tree: Tree, content: str, message: str
) -> None:
    tree.write("usr/bin/plain", "")
    tree.write("usr/bin/open", "", 0o777)
    tree.problems()
    tree.write(ROLE, content)
    tree.write(ENDPOINT, f"{WEB}[access]\nallow = []\n")
    assert tree.problems() == [f"/{ROLE}: {message}"]
    assert tree.states() == {"web": "kept"}
    kept = tree.catalog.get("web")
    assert kept is not None
    assert kept.endpoint.access.allow == ()
    assert kept.offers["reader"].commands["df"].exec == "/usr/bin/df"
    (status,) = tree.catalog.status()
    assert [each["key"] for each in status["problems"]] == [message.partition(":")[0]]  # type: ignore[attr-defined]


def test_bad_role_disables_the_endpoints_that_have_it_and_no_other(tree: Tree) -> None:
    tree.write("etc/remit/roles/bad.toml", "commands = 1")
    tree.write("etc/remit/endpoints/sad.toml", '[roles]\nroot = ["bad", "reader"]')
    assert tree.problems() == [
        '/etc/remit/endpoints/sad.toml: roles: found unknown role "bad", expected a role that can '
        "be loaded (known: reader)",
        "/etc/remit/roles/bad.toml: commands: found 1, expected a table [commands]",
    ]
    assert tree.states() == {"sad": "disabled", "web": "loaded"}


def test_endpoint_that_is_not_enabled(tree: Tree) -> None:
    tree.write(ENDPOINT, f"{WEB}[access]\nenabled = false")
    assert tree.problems() == []
    assert tree.states() == {"web": "disabled"}


@pytest.mark.parametrize("place", ["etc/remit/endpoints", "usr/lib/remit/endpoints"])
def test_drop_ins_are_refused_not_ignored(tree: Tree, place: str) -> None:
    tree.write(f"{place}/web.toml.d/50-local.toml", "")
    assert tree.problems() == [
        f"/{place}/web.toml.d: found a directory of drop-ins, expected none "
        "(drop-ins are not supported in this version; write the whole file)"
    ]
    assert tree.states() == {"web": "disabled"}
    (status,) = tree.catalog.status()
    assert status["problems"]


def test_drop_ins_of_a_role(tree: Tree) -> None:
    tree.write("etc/remit/roles/reader.toml.d/50-local.toml", "")
    assert len(tree.problems()) == 2
    assert tree.states() == {"web": "disabled"}


@pytest.mark.parametrize("name", ["Web.toml", "9web.toml", "we b.toml", ".toml", "web\n.toml"])
def test_bad_names(tree: Tree, name: str) -> None:
    tree.write(f"etc/remit/endpoints/{name}", WEB)
    (problem,) = tree.problems()
    assert "expected a-z first, then a-z, 0-9 and -, at most 64 characters" in problem
    assert "\n" not in problem
    assert tree.states() == {"web": "loaded"}


def test_other_files_are_none_of_ours(tree: Tree) -> None:
    for name in ("web.toml.dpkg-old", "web.toml~", "README", ".web.toml.swp"):
        tree.write(f"etc/remit/endpoints/{name}", "]")
    assert tree.problems() == []


def test_file_that_others_can_write(tree: Tree) -> None:
    for mode in (0o664, 0o646):
        (tree.root / ENDPOINT).chmod(mode)
        assert tree.problems() == [
            f"{FILE}: found {FILE} with mode {mode:04o}, expected writable by root alone "
            f"(chmod go-w {FILE})"
        ]
        assert tree.states() == {"web": "disabled"}


def test_directory_that_others_can_write_hides_the_vendors_too(tree: Tree) -> None:
    """What it holds might have been stricter than what the package brings."""
    tree.write("usr/lib/remit/endpoints/other.toml", WEB)
    directory = tree.root / "etc/remit/endpoints"
    directory.chmod(0o777)
    problem = (
        "/etc/remit/endpoints: found /etc/remit/endpoints with mode 0777, expected writable by "
        "root alone (chmod go-w /etc/remit/endpoints)"
    )
    assert tree.problems() == [problem]
    assert tree.catalog.endpoints == {}
    directory.chmod(0o755)
    assert tree.problems() == []
    directory.chmod(0o777)
    assert tree.problems() == [problem]
    assert tree.states() == {"other": "kept", "web": "kept"}
    assert tree.catalog.endpoints.keys() == {"other", "web"}


def test_link_to_a_file_that_others_can_write(tree: Tree) -> None:
    target = tree.write("srv/web.toml", WEB, 0o666)
    (tree.root / ENDPOINT).unlink()
    (tree.root / ENDPOINT).symlink_to("/srv/web.toml")
    (problem,) = tree.problems()
    assert "found /srv/web.toml with mode 0666, expected writable by root alone" in problem
    target.chmod(0o644)
    assert tree.problems() == []
    (tree.root / "srv").chmod(0o777)
    (problem,) = tree.problems()
    assert "found /srv with mode 0777, expected writable by root alone" in problem


def test_dangling_link(tree: Tree) -> None:
    (tree.root / ENDPOINT).unlink()
    (tree.root / ENDPOINT).symlink_to("/srv/web.toml")
    (problem,) = tree.problems()
    assert f"{FILE}: found no such file" in problem


def test_included_role_that_is_deleted(tree: Tree) -> None:
    common = tree.write("etc/remit/roles/common.toml", "[params]\nWHAT = { values = ['x'] }")
    tree.write(ROLE, 'include = ["common"]\n[commands]\ndf = "/usr/bin/df WHAT"')
    assert tree.problems() == []
    common.unlink()
    assert any('unknown role "common"' in problem for problem in tree.problems())
    assert tree.states() == {"web": "kept"}
    assert tree.catalog.get("web") is not None
