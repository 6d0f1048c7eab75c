"""The [sandbox] table: systemd's names to typed properties, and everything that is refused."""

from __future__ import annotations

import pytest

from remit.policy.problem import Report
from remit.policy.sandbox import (
    LATER,
    REFUSED,
    SETTINGS,
    Property,
    fill_properties,
    read_sandbox,
)
from remit.policy.value import INFINITY


def read(**table: object) -> tuple[tuple[Property, ...], list[str]]:
    report = Report("web.toml")
    properties = read_sandbox(table, report)
    return properties, [str(problem) for problem in report.problems]


TAKEN: list[tuple[str, object, list[Property]]] = [
    ("MemoryMax", "256M", [Property("MemoryMax", "t", 256 * 2**20)]),
    ("MemoryMax", "infinity", [Property("MemoryMax", "t", INFINITY)]),
    ("MemorySwapMax", 0, [Property("MemorySwapMax", "t", 0)]),
    ("TasksMax", 64, [Property("TasksMax", "t", 64)]),
    ("TasksMax", "infinity", [Property("TasksMax", "t", INFINITY)]),
    ("CPUQuota", "50%", [Property("CPUQuotaPerSecUSec", "t", 500_000)]),
    ("CPUQuota", "200%", [Property("CPUQuotaPerSecUSec", "t", 2_000_000)]),
    ("Nice", -5, [Property("Nice", "i", -5)]),
    ("PrivateNetwork", False, [Property("PrivateNetwork", "b", False)]),
    ("ProtectHome", True, [Property("ProtectHome", "s", "yes")]),
    ("ProtectHome", "read-only", [Property("ProtectHome", "s", "read-only")]),
    ("ProtectProc", "invisible", [Property("ProtectProc", "s", "invisible")]),
    ("ProcSubset", "pid", [Property("ProcSubset", "s", "pid")]),
    ("ProtectSystem", False, [Property("ProtectSystem", "s", "no")]),
    ("ProtectSystem", "full", [Property("ProtectSystem", "s", "full")]),
    (
        "ReadWritePaths",
        ["/etc/nginx/conf.d", "-/srv"],
        [Property("ReadWritePaths", "as", ["/etc/nginx/conf.d", "-/srv"])],
    ),
    (
        "LimitNOFILE",
        1024,
        [Property("LimitNOFILE", "t", 1024), Property("LimitNOFILESoft", "t", 1024)],
    ),
    (
        "LimitNOFILE",
        "256:infinity",
        [Property("LimitNOFILE", "t", INFINITY), Property("LimitNOFILESoft", "t", 256)],
    ),
    (
        "RestrictAddressFamilies",
        ["AF_UNIX", "AF_NETLINK"],
        [Property("RestrictAddressFamilies", "(bas)", (True, ["AF_UNIX", "AF_NETLINK"]))],
    ),
    (
        "IPAddressDeny",
        "any",
        [Property("IPAddressDeny", "a(iayu)", [(2, [0] * 4, 0), (10, [0] * 16, 0)])],
    ),
    (
        "IPAddressAllow",
        ["192.0.2.0/24"],
        [Property("IPAddressAllow", "a(iayu)", [(2, [192, 0, 2, 0], 24)])],
    ),
]


@pytest.mark.parametrize("name, found, properties", TAKEN)
def test_taken(name: str, found: object, properties: list[Property]) -> None:
    assert read(**{name: found}) == (tuple(properties), [])


WRONG: list[tuple[str, object, str]] = [
    ("MemoryMax", "256", 'found "256", expected a size such as "8M" or "infinity", 4096 bytes'),
    ("MemoryMax", "80%", 'found "80%", expected a size such as "8M" or "infinity"'),
    ("TasksMax", True, "found true, expected a whole number from 4 to 2147483648"),
    ("TasksMax", 1, "found 1, expected a whole number from 4 to 2147483648"),
    ("CPUQuota", "50", 'found "50", expected a share of one CPU such as "50%" or "200%"'),
    ("CPUQuota", "²%", 'found "²%", expected a share of one CPU such as "50%" or "200%"'),
    ("Nice", 20, "found 20, expected a whole number from -20 to 19"),
    ("PrivateTmp", "yes", 'found "yes", expected true or false'),
    ("ProtectSystem", "maybe", 'found "maybe", expected true or false or "full" or "strict"'),
    ("ProtectHome", "read_only", 'found "read_only", expected true or false or "read-only"'),
    ("ReadOnlyPaths", ["srv"], 'found "srv", expected an absolute path'),
    ("ReadOnlyPaths", "/srv", 'found "/srv", expected a list of absolute paths, 256 at most'),
    ("LimitNOFILE", "9:8", 'found "9:8", expected a soft limit that is not above the hard one'),
    ("LimitNOFILE", -1, 'found -1, expected a number, "infinity" or "SOFT:HARD"'),
    ("IPAddressDeny", ["lan"], 'found ["lan"], expected an address or network such as'),
    (
        "RestrictAddressFamilies",
        ["AF_INET"],
        'found ["AF_INET"], expected a list with "AF_UNIX" in it '
        "(the session itself is reached over AF_UNIX)",
    ),
    ("KillMode", "none", "expected no such setting (remit ends sessions by its own rules)"),
    ("ExecStart", "/bin/sh", "expected no such setting (remit runs the session's worker there)"),
    ("User", "root", "expected no such setting (write run_as in [session])"),
    ("DynamicUser", False, "expected no such setting (write run_as in [session])"),
    ("Delegate", True, "expected no such setting (remit owns the cgroups)"),
    ("NoNewPrivileges", False, "expected no such setting (remit always sets it)"),
    ("RuntimeMaxSec", "1h", "expected no such setting (write max_lifetime in [session])"),
    ("SystemCallFilter", "@mount", "expected no such setting (not supported in this version)"),
    ("BindPaths", ["/x"], "expected no such setting (not supported in this version)"),
    (
        "MemryMax",
        "8M",
        "found an unknown key, expected a key of [sandbox] (did you mean MemoryMax?)",
    ),
]


@pytest.mark.parametrize("name, found, message", WRONG)
def test_wrong(name: str, found: object, message: str) -> None:
    _, problems = read(**{name: found})
    assert len(problems) == 1
    assert problems[0].startswith(f"web.toml: sandbox.{name}: found ")
    assert message in problems[0]


def test_no_name_is_in_two_lists() -> None:
    assert not SETTINGS.keys() & REFUSED.keys()
    assert not (SETTINGS.keys() | REFUSED.keys()) & LATER


def test_fields_are_filled_in_paths_alone() -> None:
    properties, _ = read(ReadWritePaths=["/srv/{caller}"], Nice=1)
    paths, nice = fill_properties(properties, {"caller": "anna"})
    assert paths.value == ["/srv/anna"]
    assert nice.value == 1
