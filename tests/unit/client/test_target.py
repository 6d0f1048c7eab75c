"""Targets, sessions and hosts as a person writes them."""

from __future__ import annotations

import pytest

from remit.client.target import PORT, Address, parse_address, parse_session, parse_target
from remit.client.usage import UsageProblem


@pytest.mark.parametrize(
    "word, name, host, port",
    [
        ("web-admin", "web-admin", "", 0),
        ("web-admin@web1", "web-admin", "web1", PORT),
        ("web-admin@web1:99", "web-admin", "web1", 99),
        ("dba@db1.example.org", "dba", "db1.example.org", PORT),
        ("dba@192.0.2.1:1", "dba", "192.0.2.1", 1),
        ("dba@[2001:db8::1]", "dba", "2001:db8::1", PORT),
        ("dba@[2001:db8::1]:65535", "dba", "2001:db8::1", 65535),
        ("dba@[fe80::1%eth0]:5", "dba", "fe80::1%eth0", 5),
    ],
)
def test_target(word: str, name: str, host: str, port: int) -> None:
    target = parse_target(word)
    assert (target.name, target.address.host, target.address.port) == (name, host, port)


@pytest.mark.parametrize(
    "word, said",
    [
        ("", "no name of an endpoint"),
        ("Web", "no name of an endpoint"),
        ("-x", "no name of an endpoint"),
        ("9lives", "no name of an endpoint"),
        ("web.example.org", "write ENDPOINT@web.example.org"),
        ("web1:8622", "write ENDPOINT@web1:8622"),
        ("a" * 65, "too long"),
        ("web@", "ends in @"),
        ("web@-oProxyCommand=x", "is no host"),
        ("web@ho st", "is no host"),
        ("web@a@b", "is no host"),
        ("web@web1:", "is no port"),
        ("web@web1:0", "is no port"),
        ("web@web1:65536", "is no port"),
        ("web@web1:٣", "is no port"),
        ("web@web1:+1", "is no port"),
        ("web@2001:db8::1", "as [2001:db8::1]"),
        ("web@[2001:db8::1", "is no host"),
        ("web@[web1]", "is no host"),
        ("web@[::1]x", "expected :PORT"),
        ("web@web1,web2", "one at a time"),
        ("web@web1,db@db1", "one at a time"),
        ("web@web[01-50]", "several hosts"),
        ("web@wéb", "is no host"),
        ("web\n@web1", "no name of an endpoint"),
    ],
)
def test_target_is_refused(word: str, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_target(word)
    assert said in caught.value.message
    assert caught.value.status == 2


def test_session_may_be_the_beginning_of_an_id() -> None:
    assert parse_session("0123abcd@web1").name == "0123abcd"
    assert parse_session("up").address.host == ""
    with pytest.raises(UsageProblem):
        parse_session("-up")


def test_port_option_is_for_hosts_without_one() -> None:
    assert parse_address("web1", 7).port == 7
    assert parse_address("web1:9", 7).port == 9


@pytest.mark.parametrize(
    "address, written, suffix",
    [
        (Address("web1", PORT), "web1:8622", "@web1"),
        (Address("web1", 9), "web1:9", "@web1:9"),
        (Address("::1", PORT), "[::1]:8622", "@[::1]"),
        (Address(), "this host", ""),
    ],
)
def test_written_form(address: Address, written: str, suffix: str) -> None:
    assert str(address) == written
    assert address.suffix() == suffix
