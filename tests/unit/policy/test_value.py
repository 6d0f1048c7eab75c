"""Single values: what is taken, what it becomes, and what is said of everything else."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest

from remit.policy import value
from remit.policy.value import INFINITY, Unfit

TAKEN: list[tuple[Callable[[object], object], object, object]] = [
    (value.duration(), "15m", 900),
    (value.duration(), "12h30m", 45000),
    (value.duration(), "7d", 604800),
    (value.duration(), "90", 90),
    (value.duration(), 90, 90),
    (value.duration(), "0", 0),
    (value.size(), "8M", 8 * 2**20),
    (value.size(), 4096, 4096),
    (value.size(infinite=True), "infinity", INFINITY),
    (value.principal, "@web-operators", "@web-operators"),
    (value.principal, "cjones", "cjones"),
    (value.principal, "cjones@example.org", "cjones@example.org"),
    (value.principal, "@domain users", "@domain users"),
    (value.principal_or_all, "*", "*"),
    (value.network, "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")),
    (value.network, "2001:db8::1", ipaddress.ip_network("2001:db8::1/128")),
    (value.absolute_path, "/", "/"),
    (value.absolute_path, "{home}/x", "{home}/x"),
    (value.helpers, ["/usr/bin/date", "/usr/lib/x/"], ("/usr/bin/date", "/usr/lib/x/")),
    (value.helpers, "any", ("any",)),
    (value.pam_service, "remit-otp", "remit-otp"),
    (value.environment, {"LC_ALL": "C"}, {"LC_ALL": "C"}),
    (value.accepted_variable, "TZ", "TZ"),
]


@pytest.mark.parametrize("read, found, becomes", TAKEN)
def test_taken(read: Callable[[object], object], found: object, becomes: object) -> None:
    assert read(found) == becomes


REFUSED: list[tuple[Callable[[object], object], object]] = [
    (value.duration(), ""),
    (value.duration(), "m"),
    (value.duration(), "15 m"),
    (value.duration(), "15m\n"),
    (value.duration(), "m15"),
    (value.duration(), "1m1h"),
    (value.duration(), "\u0661\u0665m"),
    (value.duration(), -1),
    (value.duration(), True),
    (value.duration(), 1.5),
    (value.duration(60), "59s"),
    (value.duration(0, 300), "301"),
    (value.size(), "8m"),
    (value.size(), "-8M"),
    (value.size(), "infinity"),
    (value.size(4096), "4095"),
    (value.integer(1, 5), True),
    (value.integer(1, 5), 6),
    (value.flag, 1),
    (value.flag, "yes"),
    (value.principal, "0"),
    (value.principal, "@1000"),
    (value.principal, "*"),
    (value.principal, "@*"),
    (value.principal, "@"),
    (value.principal, ""),
    (value.principal, "-x"),
    (value.principal, "a,b"),
    (value.principal, "a:b"),
    (value.principal, "../x"),
    (value.principal, "a\n"),
    (value.name, "Web"),
    (value.name, "web\n"),
    (value.name, "9web"),
    (value.name, "w" * 65),
    (value.network, "10.0.0.1/8"),
    (value.network, 10),
    (value.network, "fe80::1%eth0"),
    (value.absolute_path, "usr/bin"),
    (value.absolute_path, "/usr/../bin"),
    (value.absolute_path, "/usr//bin"),
    (value.absolute_path, "/usr/bin/"),
    (value.absolute_path, "/usr/bin\0"),
    (value.program, "{home}/bin/x"),
    (value.program, "/"),
    (value.helpers, "/usr/bin/date"),
    (value.pam_service, "../shadow"),
    (value.pam_service, "-x"),
    (value.environment, {"LC ALL": "C"}),
    (value.environment, {"REMIT_USER": "root"}),
    (value.environment, {"LC_ALL": 1}),
    (value.accepted_variable, "LD_PRELOAD"),
    (value.accepted_variable, "PATH"),
    (value.accepted_variable, "PYTHONPATH"),
    (value.argument, "a\nb"),
    (value.argument, "\ud800"),
    (value.argument, "\x9b"),
    (value.text, "x" * 1025),
]


@pytest.mark.parametrize("read, found", REFUSED)
def test_refused(read: Callable[[object], object], found: object) -> None:
    with pytest.raises(Unfit) as unfit:
        read(found)
    assert unfit.value.expected


def test_list_shows_the_item_that_is_wrong() -> None:
    with pytest.raises(Unfit) as unfit:
        value.list_of(value.name, "names")(["web", "Web"])
    assert unfit.value.found == "Web"


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 5400, 86400, 604800 + 61])
def test_times_are_shown_as_they_are_read(seconds: int) -> None:
    assert value.duration()(value.show_seconds(seconds)) == seconds
