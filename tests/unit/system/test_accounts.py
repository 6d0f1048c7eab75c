"""Accounts of this host."""

from __future__ import annotations

import pytest

from remit.system.accounts import find_account, find_account_of, is_group, is_user


def test_root() -> None:
    account = find_account("root")
    assert account is not None
    assert (account.user, account.uid, account.home) == ("root", 0, "/root")
    assert "root" in account.groups
    again = find_account_of(0)
    assert again is not None
    assert again.user == "root"


@pytest.mark.parametrize("name", ["", "no-such-user", "root\n", "root\0", "\ud800", "0", "x" * 300])
def test_nobody(name: str) -> None:
    assert find_account(name) is None
    assert not is_user(name)
    assert not is_group(name)


@pytest.mark.parametrize("uid", [-2, 2**32 + 5, 4_000_000_000])
def test_no_such_uid(uid: int) -> None:
    assert find_account_of(uid) is None


def test_users_and_groups_are_not_each_other() -> None:
    assert is_user("root")
    assert is_group("adm")
    assert not is_user("adm")
