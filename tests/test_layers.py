"""The architecture, asserted: who may import whom, and what a layer may touch.

daemon, worker, control -> policy, wire, system; auth, gateway, client -> wire, system; these
fifteen arrows and no others. What the worker imports is measured: it pays for every module.
"""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tree import DEBIANS_PYTHON, ROOT, SERVICE, imports, modules, parsed

BASE = {"policy", "wire", "system"}
ARROWS = {
    "policy": set[str](),
    "wire": set[str](),
    "system": set[str](),
    "daemon": BASE,
    "worker": BASE,
    "control": BASE,
    "auth": {"wire", "system"},
    "gateway": {"wire", "system"},
    "client": {"wire", "system"},
}

# Code that is not ours: top-level name -> the modules that may import it.
FOREIGN = {
    "cryptography": {"remit.system.certificate"},
    "gi": {"remit.system.dbus"},
    "pam": {"remit.system.pam"},
    "pydbus": {"remit.system.dbus"},
    "sdnotify": {"remit.system.notify"},
}

# What is left of the standard library when there is no I/O, clock, environment or logging.
PURE = {
    "__future__", "_json", "base64", "bisect", "collections", "copy", "dataclasses", "difflib",
    "enum",
    "fnmatch", "functools", "graphlib", "hashlib", "heapq", "ipaddress", "itertools", "json",
    "math", "operator", "re", "string", "struct", "tomllib", "types", "typing", "unicodedata",
}  # fmt: skip
PURE_LAYERS = {"policy", "wire"}
IMPURE_CALLS = {"breakpoint", "compile", "eval", "exec", "input", "now", "open", "print", "today"}

WORKER_IMPORTS = ROOT / "tests" / "worker_imports.txt"


def layer(module: str) -> str:
    """`remit.wire.frame` -> `wire`; the package itself is no layer."""
    return module.split(".")[1] if "." in module else ""


def edges(module: str) -> Iterator[tuple[int, str]]:
    """The package's own modules that this one imports."""
    for line, name in imports(parsed(modules()[module])):
        if name.split(".")[0] == "remit":
            yield line, name


def test_every_layer_is_known() -> None:
    assert {layer(name) for name in modules()} - {""} <= ARROWS.keys()


@pytest.mark.parametrize("module", sorted(modules()))
def test_arrows(module: str) -> None:
    mine = layer(module)
    if not mine:
        return
    allowed = ARROWS[mine] | ({mine} if mine != "system" else set())
    wrong = [
        f"{module}:{line} imports {name}"
        for line, name in edges(module)
        if layer(name) not in allowed and name != "remit"
    ]
    assert not wrong


def test_package_imports_its_client_lazily_and_nothing_else() -> None:
    tree = parsed(modules()["remit"])
    assert {layer(name) for _, name in edges("remit")} <= {"client"}
    eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [name for node in eager for _, name in imports(node) if name.startswith("remit")]


def test_no_cycle() -> None:
    graph = {name: {to for _, to in edges(name)} for name in modules() if name != "remit"}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", sorted(modules()))
def test_foreign_code_has_one_door(module: str) -> None:
    for line, name in imports(parsed(modules()[module])):
        top = name.split(".")[0]
        if top != "remit" and top not in sys.stdlib_module_names:
            assert module in FOREIGN.get(top, ()), f"{module}:{line} imports {name}"


def test_every_door_is_used_and_by_one_module() -> None:
    users = {
        top: [m for m in modules() if any(n.split(".")[0] == top for _, n in imports_of(m))]
        for top in FOREIGN
    }
    assert all(len(found) == 1 for found in users.values()), users


def imports_of(module: str) -> Iterator[tuple[int, str]]:
    return imports(parsed(modules()[module]))


@pytest.mark.parametrize("module", [n for n in sorted(modules()) if layer(n) in PURE_LAYERS])
def test_policy_and_wire_do_no_io(module: str) -> None:
    tree = parsed(modules()[module])
    for line, name in imports(tree):
        assert name.split(".")[0] in PURE | {"remit"}, f"{module}:{line} imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            impure = called in IMPURE_CALLS and not is_pure_method(node.func)
            assert not impure, f"{module}:{node.lineno} calls {called}"


def is_pure_method(function: ast.expr) -> bool:
    """Whether this is re.compile, the one namesake that does nothing of the kind."""
    return ast.unparse(function) == "re.compile"


def imported_by(module: str, *path: Path | str) -> set[str]:
    """What a fresh interpreter without site has loaded after importing this, beyond what it had."""
    program = (
        "import sys; had = set(sys.modules); sys.path += sys.argv[2:]; __import__(sys.argv[1]);"
        "print(*sorted(set(sys.modules) - had))"
    )
    run = subprocess.run(
        [DEBIANS_PYTHON, "-ISB", "-c", program, module, *map(str, path)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("module", [n for n in sorted(modules()) if layer(n) in ("", "client")])
def test_client_runs_on_the_standard_library(module: str) -> None:
    """Really imported, where nothing else can be found, by the interpreter of the packages."""
    foreign = {name.split(".")[0] for name in imported_by(module, SERVICE)}
    assert foreign <= sys.stdlib_module_names | {"remit"}


def test_client_exists() -> None:
    assert "remit.client.cli" in modules()


def test_worker_imports_exactly_what_is_listed() -> None:
    """Ours to the letter; of the standard library no more: its insides differ by release."""
    lines = WORKER_IMPORTS.read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    found = imported_by("remit.worker.main", SERVICE)
    assert ours(found) == ours(listed)
    assert not found - listed, "the worker pays for these modules and must do without"


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "remit"}
