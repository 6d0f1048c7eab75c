"""The unit files, judged by the systemd of each release that will run them."""

from __future__ import annotations

import re

import pytest

from tests.host.harness.host import Host
from tests.tree import ROOT

UNITS = sorted(p.name for p in (ROOT / "systemd").iterdir() if p.suffix in {".service", ".socket"})

# What `systemd-analyze security` may find at most, from 0 (nothing) to 10; and why not less.
# remit-auth@ is not here: PAM's modules are the administrator's code (see the unit).
EXPOSURE = {
    "remitd.service": 2.5,  # root with CAP_SYS_PTRACE
    "remit-gate.service": 1.5,  # needs its own user and AF_UNIX, nothing else
}


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(installed_host: Host, unit: str) -> None:
    instance = unit.replace("@.", "@0.")
    said = installed_host.run(["systemd-analyze", "verify", "--man=no", instance])
    ours = [line for line in (said.stdout + said.stderr).splitlines() if "remit" in line]
    assert not ours


@pytest.mark.parametrize("unit", EXPOSURE)
def test_a_daemon_is_hardly_exposed(installed_host: Host, unit: str) -> None:
    said = installed_host.run(["systemd-analyze", "security", "--no-pager", unit]).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= EXPOSURE[unit], said


def test_measure_tells_a_hardened_unit_from_another(installed_host: Host) -> None:
    """The same measure on a unit that is not hardened, lest the two above pass for anything."""
    measure = ["systemd-analyze", "security", "--no-pager", "--threshold=50", "ssh.service"]
    assert installed_host.run(measure, check=False).returncode != 0
