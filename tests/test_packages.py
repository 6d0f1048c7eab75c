"""The packages, without installing them: that they build, what is in them, what they ask for.

What they do on a booted host is in tests/host/test_packages.py.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.tree import DEBIANS_PYTHON, ROOT, SERVICE, copy_tree, files

PACKAGES = ("python3-remit", "remit", "remit-client")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Project on PyPI -> Debian's package of it.
DEBIAN_NAMES = {
    "cryptography": "python3-cryptography",
    "pydbus": "python3-pydbus",
    "PyGObject": "python3-gi",
    "python-pam": "python3-pampy",
    "sdnotify": "python3-sdnotify",
    "six": "python3-six",
}


def output(*command: str | Path, cwd: Path = ROOT) -> str:
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
    return run.stdout


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packages, built in a copy so that nobody else's build is disturbed."""
    tree = copy_tree(tmp_path_factory.mktemp("build"))
    output(tree / "packaging" / "build-deb", cwd=tree)
    return {path.name.partition("_")[0]: path for path in (tree / "build").glob("*.deb")}


@cache
def version() -> str:
    text = (SERVICE / "remit" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "([\d.]+)"$', text, re.MULTILINE)
    assert found, "the version is not where setuptools looks for it"
    return found[1]


def contents(deb: Path) -> dict[str, tuple[str, str]]:
    """Path in the package to (mode, owner), as dpkg-deb prints them."""
    rows = (line.split() for line in output("dpkg-deb", "--contents", deb).splitlines())
    return {row[5].removeprefix("."): (row[0], row[1]) for row in rows}


def field(deb: Path, name: str) -> str:
    return output("dpkg-deb", "--field", deb, name).strip()


def depends(deb: Path) -> set[str]:
    return {item.split()[0] for item in field(deb, "Depends").split(", ")}


def control_file(deb: Path, name: str) -> str:
    return output("dpkg-deb", "--info", deb, name)


def test_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "packaging" / "debian" / "changelog").read_text()
    news = (ROOT / "packaging" / "NEWS.md").read_text()
    assert re.findall(r"^remit \((.+?)\)", changelog, re.MULTILINE)[0] == version()
    assert re.findall(r"^## (\S+)", news, re.MULTILINE)[0] == version()


def test_the_three_are_built_for_every_architecture(debs: dict[str, Path]) -> None:
    assert sorted(debs) == sorted(PACKAGES)
    assert {(field(d, "Architecture"), field(d, "Version")) for d in debs.values()} == {
        ("all", version())
    }


def test_another_build_gives_the_same_bytes(debs: dict[str, Path], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(debs["remit"].parents[1], tree, ignore=shutil.ignore_patterns("build"))
    run = subprocess.run(["bash", "-c", "umask 077; packaging/build-deb"], cwd=tree)
    assert run.returncode == 0
    for name, deb in debs.items():
        other = next((tree / "build").glob(f"{name}_*.deb"))
        assert digest(other) == digest(deb), name


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_client_needs_python_alone(debs: dict[str, Path]) -> None:
    assert depends(debs["python3-remit"]) == {"python3:any"}
    assert depends(debs["remit-client"]) == {"python3:any", "python3-remit"}
    assert PROJECT["dependencies"] == []


def test_service_needs_what_it_imports(debs: dict[str, Path]) -> None:
    assert set(PROJECT["optional-dependencies"]["service"]) == DEBIAN_NAMES.keys()
    needs = depends(debs["remit"])
    assert {*DEBIAN_NAMES.values(), "dbus", "libnss-systemd", "python3-remit", "systemd"} <= needs


@pytest.mark.parametrize("name", ["remit", "remit-client"])
def test_parts_of_one_version_go_together(debs: dict[str, Path], name: str) -> None:
    assert f"python3-remit (= {version()})" in field(debs[name], "Depends")


def test_everything_that_ships_is_in_a_package(debs: dict[str, Path]) -> None:
    shipped = {path.removesuffix(".gz") for deb in debs.values() for path in contents(deb)}
    names = {Path(path).name for path in shipped}
    renamed = {"remit.preset": "80-remit.preset", "remit.sysusers": "remit.conf"}
    renamed["remit.tmpfiles"] = "remit.conf"
    tops = ("endpoints", "man", "packaging/completion", "packaging/pam.d", "service", "systemd")
    for path in files():
        if any(path.is_relative_to(ROOT / top) for top in tops):
            # The code map is for those who have the sources.
            assert renamed.get(path.name, path.name) in names or path.name == "README.md", path
    for document in ("NEWS.md", "PROTOCOL.md", "README.md"):
        assert f"/usr/share/doc/remit/{document}" in shipped


def test_nothing_in_a_package_is_writable_or_setuid(debs: dict[str, Path]) -> None:
    for deb in debs.values():
        for path, (mode, owner) in contents(deb).items():
            assert owner == "root/root", path
            assert mode[0] == "l" or mode in {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"}, path


def test_executables_are_the_launchers(debs: dict[str, Path]) -> None:
    found = {p for deb in debs.values() for p, (mode, _) in contents(deb).items() if mode[3] == "x"}
    assert {path for path in found if not path.endswith("/")} == {
        "/usr/bin/remit",
        "/usr/sbin/remitctl",
        *(f"/usr/libexec/remit/remit{suffix}" for suffix in ("d", "-auth", "-gate", "-worker")),
    }


def test_administrator_has_places_of_his_own(debs: dict[str, Path]) -> None:
    paths = contents(debs["remit"])
    assert {"/etc/remit/endpoints/", "/etc/remit/roles/"} <= paths.keys()
    etc = [path for path in paths if path.startswith("/etc/") and not path.endswith("/")]
    assert control_file(debs["remit"], "conffiles").split() == etc == ["/etc/pam.d/remit"]


def test_upgrade_restarts_the_daemons_only(debs: dict[str, Path]) -> None:
    """Nothing is stopped but by a removal; sockets and the sessions' slice are never restarted."""
    postinst = control_file(debs["remit"], "postinst")
    restarted = re.findall(r"deb-systemd-invoke (?:\$_dh_action|try-restart) (.*?) >", postinst)
    assert restarted == ["'remitd.service'", "'remit-gate.service'"]
    stops = re.findall(
        r"^if (.*?); then\n((?:\s.*\n)*)", control_file(debs["remit"], "prerm"), re.MULTILINE
    )
    assert stops
    assert all('"$1" = remove' in condition for condition, body in stops if "stop" in body)
    assert "preinst" not in output("dpkg-deb", "--info", debs["remit"])


def test_lintian_is_content(debs: dict[str, Path]) -> None:
    run = subprocess.run(["lintian", *debs.values()], capture_output=True, text=True)
    assert not re.findall(r"^[EW]: .*", run.stdout, re.MULTILINE), run.stdout
    assert run.returncode == 0, run.stderr


def test_pip_installs_a_working_client(tmp_path: Path) -> None:
    """In an environment with nothing in it, and nothing comes with it."""
    tree, venv = copy_tree(tmp_path / "tree"), tmp_path / "venv"
    output(DEBIANS_PYTHON, "-m", "venv", venv)
    before = output(venv / "bin" / "pip", "list", "--format=freeze").split()
    output(venv / "bin" / "pip", "install", "--quiet", tree)
    after = output(venv / "bin" / "pip", "list", "--format=freeze").split()
    assert set(after) - set(before) == {f"remit=={version()}"}
    assert output(venv / "bin" / "remit", "--version").strip() == f"remit {version()}"
    assert version() in output(
        venv / "bin" / "python", "-c", "import remit; print(remit.__version__)"
    )
