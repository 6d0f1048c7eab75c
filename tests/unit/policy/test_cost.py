"""What the session worker pays for deciding: nothing dear is imported, `re` only if needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import remit

SERVICE = Path(remit.__file__).parent.parent
DEAR = {
    "asyncio", "contextlib", "dataclasses", "difflib", "enum", "fnmatch", "functools", "inspect",
    "logging", "pathlib", "re", "shlex", "string", "subprocess", "tomllib", "typing",
}  # fmt: skip

DECIDING = """
import sys
sys.path.insert(0, {service!r})
had = set(sys.modules)
from remit.policy.command import Policy
from remit.policy.decide import decide
from remit.policy.refusal import render
policy = Policy.from_json({{"endpoint": "e", "language": "command", "fields": {{}}, "roles": [
    {{"name": "r", "parameters": {{"LOW": {{"pattern": "[a-z]+"}}, "NUM": {{"integer": [0, 9]}}}},
     "commands": [{{"name": "c", "exec": "/c", "usages": ["[-n NUM] LOW", "NUM"], "insert": [],
       "append": [], "environment": {{}}, "accept": [], "directory": "", "timeout": 0,
       "stdin": False, "tty": False, "helpers": [], "read": [], "write": [], "capabilities": [],
       "record": "", "summary": ""}}]}}]}})
render(decide(policy, ["d"], bool))
{more}
print(*sorted(set(sys.modules) - had))
"""


def imported(more: str = "") -> set[str]:
    program = DECIDING.format(service=str(SERVICE), more=more)
    run = subprocess.run(
        [sys.executable, "-ISc", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_deciding_imports_nothing_dear() -> None:
    assert not imported() & DEAR


def test_a_pattern_is_read_when_a_value_is_matched() -> None:
    assert "re" not in imported('assert decide(policy, ["c", "-n", "5"], bool).position == 3')
    assert "re" in imported('assert decide(policy, ["c", "abc"], bool).argv == ("/c", "abc")')
