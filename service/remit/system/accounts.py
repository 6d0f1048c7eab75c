"""Users and groups of this host, as the name service knows them (files, LDAP, systemd, …).

Owns pwd, grp and getgrouplist. Decides nothing: who may do what is policy.
"""

from __future__ import annotations

import grp
import os
import pwd


class Account:
    """A user as the host knows it now; `groups` are the names of all groups, the primary too."""

    __slots__ = ("gid", "groups", "home", "shell", "uid", "user")

    def __init__(
        self, user: str, uid: int, gid: int, home: str, shell: str, groups: frozenset[str]
    ) -> None:
        self.user = user
        self.uid = uid
        self.gid = gid
        self.home = home
        self.shell = shell
        self.groups = groups


def find_account(user: str) -> Account | None:
    """The account of that name. None if there is none, or if the name leads to another's record."""
    try:
        record = pwd.getpwnam(user)
    except (KeyError, ValueError, UnicodeError):
        return None
    return _account(record) if record.pw_name == user else None


def find_account_of(uid: int) -> Account | None:
    """The account of that uid, if its name leads back to the same uid."""
    try:
        record = pwd.getpwuid(uid)
        again = pwd.getpwnam(record.pw_name)
    except (KeyError, ValueError, OverflowError):
        return None
    return _account(record) if again.pw_uid == uid else None


def is_user(name: str) -> bool:
    """Whether the host knows a user of exactly that name."""
    try:
        return pwd.getpwnam(name).pw_name == name
    except (KeyError, ValueError, UnicodeError):
        return False


def is_group(name: str) -> bool:
    """Whether the host knows a group of exactly that name."""
    try:
        return grp.getgrnam(name).gr_name == name
    except (KeyError, ValueError, UnicodeError):
        return False


def _account(record: pwd.struct_passwd) -> Account:
    groups = frozenset(_group_names(os.getgrouplist(record.pw_name, record.pw_gid)))
    return Account(
        record.pw_name, record.pw_uid, record.pw_gid, record.pw_dir, record.pw_shell, groups
    )


def _group_names(gids: list[int]) -> list[str]:
    """Names of those groups that have one: a group without a name can be named by no policy."""
    names = []
    for gid in gids:
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return names
