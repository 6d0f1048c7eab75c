"""Answers what only the host knows about a value: does this user exist, what is at this path.

Owns the look-ups; the rules they answer are `remit.policy.obligation`'s. A look-up that fails for
whatever reason is a no. What a path leads to may change before the command opens it.
"""

from __future__ import annotations

import os
import stat

from remit.policy.obligation import Obligation, PathObligation, UserObligation
from remit.policy.path import components, is_beneath, is_excluded
from remit.system.tree import open_beneath


def discharge(obligation: Obligation, directory: str) -> bool:
    """`directory` is where a relative path starts."""
    if isinstance(obligation, UserObligation):
        return _is_user(obligation)
    if isinstance(obligation, PathObligation):
        return _is_path(obligation, directory)
    return False


def is_relative(obligation: Obligation) -> bool:
    """Whether what a value leads to depends on a directory."""
    return isinstance(obligation, PathObligation) and not obligation.value.startswith("/")


def _is_user(obligation: UserObligation) -> bool:
    from remit.system.accounts import find_account  # few endpoints ask for users

    account = find_account(obligation.value)
    if account is None or account.groups.intersection(obligation.not_groups):
        return False
    if account.user in obligation.names:
        return True
    in_group = not obligation.groups or bool(account.groups.intersection(obligation.groups))
    return in_group and account.uid != 0 and account.uid >= obligation.min_uid


def _is_path(obligation: PathObligation, directory: str) -> bool:
    path = obligation.value
    if not path.startswith("/"):
        path = f"{directory.rstrip('/')}/{path}"
    if ".." in components(path) or is_excluded(path, obligation.excluded):
        return False
    return any(
        _is_there(obligation, root, path) for root in obligation.roots if is_beneath(path, root)
    )


def _is_there(obligation: PathObligation, root: str, path: str) -> bool:
    beneath = "/".join(components(path)[len(components(root)) :]) or "."
    try:
        base = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if obligation.kind == "new":
            return _is_free(obligation, base, beneath)
        return _is_kind(obligation, base, beneath)
    except OSError:
        return False
    finally:
        os.close(base)


def _is_kind(obligation: PathObligation, base: int, beneath: str) -> bool:
    found = open_beneath(base, beneath, os.O_PATH)
    try:
        mode = os.fstat(found).st_mode
        kinds = {"file": stat.S_ISREG(mode), "directory": stat.S_ISDIR(mode), "any": True}
        return kinds.get(obligation.kind, False) and not _leads_to_excluded(obligation, found)
    finally:
        os.close(found)


def _is_free(obligation: PathObligation, base: int, beneath: str) -> bool:
    parent, _, name = beneath.rpartition("/")
    if name in ("", "."):
        return False
    found = open_beneath(base, parent or ".", os.O_PATH | os.O_DIRECTORY)
    try:
        os.stat(name, dir_fd=found, follow_symlinks=False)
    except FileNotFoundError:
        return not _leads_to_excluded(obligation, found, name)
    finally:
        os.close(found)
    return False


def _leads_to_excluded(obligation: PathObligation, descriptor: int, name: str = "") -> bool:
    """A link may lead from an allowed name to an excluded one."""
    if not obligation.excluded:
        return False
    resolved = os.readlink(f"/proc/self/fd/{descriptor}")
    return is_excluded(f"{resolved}/{name}" if name else resolved, obligation.excluded)
