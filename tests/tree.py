"""What this checkout consists of: files as git sees them, Python modules and their imports.

Uncommitted files count, ignored ones do not. Nothing here judges; the tests do.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ROOT / "service"
DEBIANS_PYTHON = "/usr/bin/python3"


@cache
def files() -> tuple[Path, ...]:
    """Every file of the working tree that is or could be committed, absolute, sorted."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    named = {ROOT / name for name in listing.split("\0") if name}
    return tuple(sorted(path for path in named if path.is_file()))


def copy_tree(to: Path) -> Path:
    """Make a directory what a fresh clone would be with everything committed."""
    for path in files():
        target = to / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    subprocess.run(["git", "init", "--quiet"], cwd=to, check=True)
    return to


def sources(*beneath: str) -> list[Path]:
    """The Python modules beneath these directories of the checkout."""
    tops = [ROOT / top for top in beneath]
    found = [p for p in files() if p.suffix == ".py" and any(map(p.is_relative_to, tops))]
    assert found, f"no modules beneath {beneath}"
    return found


def scripts() -> list[Path]:
    """Everything that a shell runs: by its first line, or because bash completion sources it."""
    completion = ROOT / "packaging" / "completion"
    return [p for p in files() if p.parent == completion or _shebang(p).endswith("sh")]


def _shebang(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline(80).decode(errors="replace").strip()
    return line if line.startswith("#!") else ""


@cache
def parsed(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_bytes(), filename=str(path))


@cache
def modules() -> dict[str, Path]:
    """The package's modules, name to file; `remit.wire` is its __init__."""
    named = {}
    for path in sources("service/remit"):
        parts = path.relative_to(SERVICE).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, within functions and type checking too.

    `from a import b` yields `a.b` where that is a module of ours, `a` otherwise.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(origin), names=names, level=0):
                inner = [f"{origin}.{alias.name}" for alias in names]
                yield from ((node.lineno, n if n in modules() else origin) for n in inner)
            case ast.ImportFrom():
                raise AssertionError(f"relative import in line {node.lineno}")
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="__import__")):
                yield node.lineno, _constant(node.args[0])


def _constant(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), f"import of a computed name in line {node.lineno}"
    return str(node.value)
