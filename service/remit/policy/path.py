"""Paths as text: what can be said of them without looking at a file system."""

from __future__ import annotations

from remit.policy.glob import matches_any


def components(path: str) -> tuple[str, ...]:
    """The names in `path`, without empty ones and `.`: `/var//./log/` is `("var", "log")`."""
    return tuple(name for name in path.split("/") if name not in ("", "."))


def is_beneath(path: str, root: str) -> bool:
    """Is `path` the directory `root`, or in it? By whole names; both absolute and without `..`."""
    above = components(root)
    return components(path)[: len(above)] == above


def is_excluded(path: str, globs: tuple[str, ...]) -> bool:
    """Does `path`, or a directory above it, match one of `globs`? Slashes count once."""
    if not globs:
        return False
    lead = "/" if path.startswith("/") else ""
    names = components(path)
    tried = [lead + "/".join(names[:end]) for end in range(1, len(names) + 1)]
    return any(matches_any(globs, each) for each in [path, *tried])
