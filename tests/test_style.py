"""The rules of style.md that a program can check, and the tools that check the rest."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tree import ROOT, SERVICE, files, parsed, scripts, sources

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40
NAMES_OF_HEAPS = {"common", "helper", "helpers", "misc", "util", "utils"}
SKIPS = {"importorskip", "skip", "skipif", "xfail"}
# A comment that begins so, on the line of a sleep, says why no event can be waited for.
SLEEP_MARKER = "# sleeps: "
# Whatever a source points to, it points to on purpose.
HOSTS = re.compile(r"https?://([\w.-]+)")
KNOWN_HOSTS = {"www.debian.org", "www.gnu.org", "www.fsf.org"}

MODULES = sources("service", "tests")
LAUNCHERS = sorted((SERVICE / "bin").iterdir())


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def succeeds(*command: str | Path) -> None:
    """Run a checker; what it finds is the failure's text."""
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, f"\n{run.stdout}{run.stderr}"


def test_ruff() -> None:
    succeeds(sys.executable, "-m", "ruff", "check", "--quiet")


def test_mypy() -> None:
    succeeds(sys.executable, "-m", "mypy", "--no-error-summary")


@pytest.mark.parametrize("script", scripts(), ids=named)
def test_shellcheck(script: Path) -> None:
    assert shutil.which("shellcheck"), "shellcheck is missing; make installs it"
    dialect = ["--shell=bash"] if script.parent.name == "completion" else []
    succeeds("shellcheck", *dialect, script)


@pytest.mark.parametrize("module", MODULES, ids=named)
class TestModule:
    def test_is_small(self, module: Path) -> None:
        assert len(module.read_text().splitlines()) <= MOST_LINES_OF_A_FILE

    def test_functions_are_small(self, module: Path) -> None:
        for function in functions(module):
            lines = (function.end_lineno or 0) - function.lineno + 1
            where = f"{function.name} in line {function.lineno} has {lines} lines"
            assert lines <= MOST_LINES_OF_A_FUNCTION, where

    def test_is_named_by_a_noun(self, module: Path) -> None:
        assert not NAMES_OF_HEAPS & {*module.relative_to(ROOT).with_suffix("").parts}

    def test_says_what_it_owns(self, module: Path) -> None:
        tree = parsed(module)
        assert not tree.body or ast.get_docstring(tree)

    def test_annotations_are_lazy(self, module: Path) -> None:
        code = [node for node in parsed(module).body if not isinstance(node, ast.Expr)]
        assert not code or ast.unparse(code[0]) == "from __future__ import annotations"


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", sources("tests"), ids=named)
def test_nothing_is_skipped(module: Path) -> None:
    """A test that lacks what it needs fails: a skipped one is a promise that nobody keeps."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in SKIPS, f"line {node.lineno}"


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_nothing_sleeps_without_a_reason(module: Path) -> None:
    """Events are waited for. A client's retry and a timer's own module may say why they do not."""
    lines = module.read_text().splitlines()
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Call) and is_sleep(ast.unparse(node), module):
            assert SLEEP_MARKER in lines[node.lineno - 1], f"line {node.lineno}"


def is_sleep(call: str, module: Path) -> bool:
    """time.sleep anywhere; asyncio's in tests too, where daemons have beats and deadlines."""
    in_tests = module.is_relative_to(ROOT / "tests")
    yields = call == "asyncio.sleep(0)"
    return call.startswith(("time.sleep(", "sleep(")) or (
        in_tests and call.startswith("asyncio.sleep(") and not yields
    )


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=named)
def test_launchers_differ_in_one_import_only(launcher: Path) -> None:
    """They are the only glue: six copies of one text, isolated, without site, executable."""
    text, model = (path.read_text() for path in (launcher, LAUNCHERS[0]))
    if launcher.name == "remit-worker":
        text = re.sub(
            r"^from remit.system.process .*?(?=^from remit)",
            "",
            text,
            flags=re.MULTILINE | re.DOTALL,
        )
    module = re.compile(r"^from remit\.[a-z_.]+ import main$", re.MULTILINE)
    assert text.startswith("#!/usr/bin/python3 -IS\n")
    assert len(module.findall(text)) == 1
    assert module.sub("", text.partition("\n\n")[2]) == module.sub("", model.partition("\n\n")[2])
    assert launcher.stat().st_mode & 0o777 == 0o755


def test_sources_name_no_machine_but_documented_ones() -> None:
    """Neither where this checkout lies nor a server: mirrors come from the machine's settings."""
    for path in files():
        if path.name == "LICENSE":
            continue
        text = path.read_text(errors="replace")
        # A checkout in / or /src would be found in every other path.
        assert len(ROOT.parts) < 3 or f"{ROOT}/" not in text, path
        unknown = {h for h in HOSTS.findall(text) if not is_example(h)} - KNOWN_HOSTS
        assert not unknown, f"{named(path)} names {unknown}"


def is_example(host: str) -> bool:
    """Names that RFC 2606 keeps for documentation, and addresses, which belong to test networks."""
    return host.endswith(("example", "example.com", "example.org", "example.net", "invalid")) or (
        host == "localhost" or host.replace(".", "").isdigit()
    )
