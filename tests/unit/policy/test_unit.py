"""Unit names: what systemctl takes for a unit, and what it takes for something else."""

from __future__ import annotations

import pytest

from remit.policy.unit import full_name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("nginx", "nginx.service"),
        ("nginx.service", "nginx.service"),
        ("php8.2-fpm", "php8.2-fpm.service"),
        ("getty@tty1.service", "getty@tty1.service"),
        ("1234.service", "1234.service"),
        ("1234", ""),  # systemctl takes a number for a process
        ("@x.service", ""),
        ("a/b.service", ""),
        (".service", ""),
        ("nginx*", ""),
        ("nginx\n", ""),
    ],
)
def test_full_names(value: str, name: str) -> None:
    assert full_name(value) == name
