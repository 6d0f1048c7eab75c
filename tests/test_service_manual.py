"""remitd(8) and the service say the same: units, files, events and their fields, ends, limits."""

from __future__ import annotations

import ast
import re

import pytest

from remit.daemon.audit import EVENTS, FIELDS
from remit.gateway.limits import PENALTIES
from remit.gateway.settings import Caps, Deadlines
from remit.policy import environment, plan
from remit.wire import frame, turn
from remit.worker import monitor, tenure
from tests.test_manual import rendered
from tests.tree import ROOT, modules, parsed

UNITS = sorted((ROOT / "systemd").glob("remit*.s[elo]*"))
PRIORITIES = {3: "error", 4: "warning", 5: "notice"}


def constant(module: str, name: str) -> object:
    """Read, not imported: remitd's modules want a bus."""
    for node in parsed(modules()[module]).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if name in map(ast.unparse, filter(None, targets)):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value
            return ast.literal_eval(node.value)
    raise AssertionError(f"{module} has no {name}")


RESULTS = constant("remit.daemon.session", "RESULTS")
assert isinstance(RESULTS, dict)


def page() -> str:
    """All of it on one line."""
    return " ".join(rendered("remitd.8").split())


def test_every_unit_and_socket_is_named() -> None:
    assert UNITS
    for unit in UNITS:
        assert unit.name in page(), unit.name
        for path in re.findall(r"^ListenStream=(.+)$", unit.read_text(), re.MULTILINE):
            assert path in page(), path


def test_every_event_is_described_with_its_id_and_priority() -> None:
    listed = re.findall(r" (\S+) ([0-9a-f]{32}) ((?:(?![0-9a-f]{32}).)+?\.)(?= )", page())
    assert {name: id_ for name, id_, _ in listed} == {n: e.id for n, e in EVENTS.items()}
    for name, _, sentence in listed:
        said = re.findall(r"\((error|warning|notice)\)\.$", sentence)
        assert said == [*filter(None, [PRIORITIES.get(EVENTS[name].priority)])], name


def test_every_field_is_described() -> None:
    section = page().partition(" JOURNAL ")[2]
    assert {f"REMIT_{name.upper()}" for name in FIELDS} <= set(re.findall(r"\bREMIT_\w+", section))


def test_every_variable_of_a_command_is_named() -> None:
    variables = environment.base_environment("e", "s", "u", 1, "p", "a", "h")
    assert variables.keys() <= set(re.findall(r"\b[A-Z_]+\b", page()))


def test_what_is_hidden_from_sessions_is_listed() -> None:
    hidden = {*plan.HIDDEN, *plan.SECRET, plan.BUS}
    listed = page().partition(" inaccessible: ")[2].partition(" The rest ")[0]
    named = set(re.findall(r"/[\w/.-]+\w", listed))
    assert named == {path for path in hidden if not path.endswith("-")}


@pytest.mark.parametrize("reason", [*RESULTS.values(), "systemd ended it ({result})"])
def test_every_end_is_listed(reason: str) -> None:
    assert reason.format(status="NUMBER", result="RESULT") in page()


def test_limits_are_those_of_the_programs() -> None:
    caps, deadlines = Caps(), Deadlines()
    for sentence in (
        f"{caps.strangers} connections, {caps.strangers_per_source} of them from one address",
        f"and {caps.strangers_per_network} from one network of 56 bits",
        f"{caps.connections} in all",
        f"{deadlines.handshake:.0f} seconds for TLS, {deadlines.hello:.0f} for the first message, "
        f"{deadlines.authentication:.0f} from the beginning",
        f"{deadlines.crowded:.0f} for each answer",
        f"{frame.MAX_STRANGER // 1024} KiB in one message, {turn.MAX_PROMPTS} prompts",
        f"{PENALTIES['denied']:.0f} seconds, running into a deadline {PENALTIES['timeout']:.0f}, "
        f"leaving early {PENALTIES['left']:.0f}",
        f"more than {caps.tolerated:.0f}, and owes {caps.longest:.0f} at most",
        f"{constant('remit.daemon.sessions', 'MAX_SESSIONS')} sessions on a host",
        f"{constant('remit.daemon.__main__', 'MAX_LOCAL')} connections of one user",
        f"{constant('remit.daemon.authenticator', 'MAX_CONVERSATIONS')} conversations with PAM",
        f"{plan.START_SECONDS} seconds for a session to start, {plan.STOP_SECONDS} for it to end",
        f"up to {monitor.MAX_WAITING} of them",
        f"after {tenure.LOSS_SECONDS:.0f} seconds",
    ):
        assert sentence in page(), sentence
    assert PENALTIES["denied"] == PENALTIES["protocol"]
    assert caps.rent == 0.5, "half of the time that it lasted"
    assert constant("remit.daemon.conversation", "MAX_TRIES") == 3, (
        "After three refusals the connection ends"
    )
