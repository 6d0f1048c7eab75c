"""What a process says about itself, asked of one that says it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from remit.system.process import is_undumpable, offer_to_oom_killer, release_memory
from tests.tree import SERVICE

PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from remit.system.process import is_undumpable, set_undumpable
assert not is_undumpable()
set_undumpable()
assert is_undumpable()
if os.fork() == 0:
    os._exit(is_undumpable())
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_undumpable_and_so_are_its_forks() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SERVICE)], capture_output=True, text=True
    )
    assert run.stdout == "1\n", run.stderr
    assert not is_undumpable()


def test_who_dies_first() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        offer_to_oom_killer(process.pid)
        score = Path(f"/proc/{process.pid}/oom_score_adj").read_text()
        process.kill()
    assert score == "500\n"
    offer_to_oom_killer(process.pid)  # gone: nothing happens
    release_memory()
