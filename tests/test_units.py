"""The unit files as texts: what a reader relies on and systemd does not ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tree import ROOT

UNITS = sorted((ROOT / "systemd").glob("*.service"))
PRESET = ROOT / "systemd" / "remit.preset"
# The first of these begins the hardening of a service, which is kept in alphabetical order.
HARDENING = re.compile(
    r"^(Capability|Device|IPAddress|Lock|MemoryDeny|NoNew|Private|Proc|Protect|ReadWrite|Remove"
    r"|Restrict(?!artSec)|SystemCall|UMask)"
)


def service_keys(unit: Path) -> list[str]:
    section = re.search(
        r"^\[Service\]\n(.*?)(?=^\[|\Z)", unit.read_text(), re.DOTALL | re.MULTILINE
    )
    assert section, unit
    return re.findall(r"^(\w+)=", section[1], re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_hardening_is_in_alphabetical_order(unit: Path) -> None:
    keys = [key for key in service_keys(unit) if HARDENING.match(key)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_leads_to_its_page(unit: Path) -> None:
    pages = re.findall(r"^Documentation=man:(\S+)\((\d)\)$", unit.read_text(), re.MULTILINE)
    assert pages
    assert all((ROOT / "man" / f"{name}.{section}").exists() for name, section in pages)


def test_preset_enables_what_can_be_enabled() -> None:
    enabled = re.findall(r"^enable (\S+)$", PRESET.read_text(), re.MULTILINE)
    can_be = [p.name for p in PRESET.parent.iterdir() if "\nWantedBy=" in p.read_text()]
    assert sorted(enabled) == sorted(can_be)
