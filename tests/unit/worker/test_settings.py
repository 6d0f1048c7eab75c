"""The first frame of a session, read strictly."""

from __future__ import annotations

import pytest

from remit.wire.problem import ProtocolProblem
from remit.worker.settings import Settings
from tests.process.worker_process import policy, policy_frame


def test_what_remitd_sends_is_what_the_worker_has() -> None:
    settings = Settings(policy_frame(when_full="drop", kept=True, environment={"A": "b=c"}))
    assert settings.policy == policy()
    assert (settings.drops, settings.kept, settings.environment) == (True, True, {"A": "b=c"})
    assert (settings.idle_timeout, settings.grace, settings.buffer) == (7200, 2, 8 << 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {}},
        {"policy": {**policy().to_json(), "more": 1}},
        {"policy": {**policy().to_json(), "language": "perl"}},
        {"environment": {"A": 1}},
        {"environment": {"A=B": "c"}},
        {"environment": {"": "c"}},
        {"environment": {"A": "b\0c"}},
    ],
)
def test_what_cannot_be_understood_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ProtocolProblem, match="policy"):
        Settings(policy_frame(**changes))
