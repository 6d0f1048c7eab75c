"""Kept or owned, lost or idle: when a session ends if nobody comes."""

from __future__ import annotations

from remit.worker.tenure import LOSS_SECONDS, Tenure


def owned(idle_timeout: float = 7200) -> Tenure:
    return Tenure(0, kept=False, idle_timeout=idle_timeout)


def test_a_client_that_never_comes() -> None:
    assert owned().deadline() == (LOSS_SECONDS, "its client was lost")
    assert Tenure(5, kept=True, idle_timeout=60).deadline() == (65, "idle for 1m")


def test_attached_is_for_ever() -> None:
    tenure = owned(1)
    tenure.attach()
    assert tenure.deadline() is None
    tenure.set_busy(10, True)
    tenure.set_busy(20, False)
    assert tenure.deadline() is None


def test_lost_with_nothing_running() -> None:
    tenure = owned()
    tenure.attach()
    tenure.lose(100, owes=False)
    assert not tenure.kept
    assert tenure.deadline() == (100 + LOSS_SECONDS, "its client was lost")
    tenure.attach()
    assert tenure.deadline() is None


def test_lost_with_a_command_running_is_kept() -> None:
    tenure = owned()
    tenure.attach()
    tenure.set_busy(50, True)
    tenure.lose(100, owes=True)
    assert tenure.kept
    assert tenure.deadline() is None
    tenure.set_busy(500, False)
    assert tenure.deadline() == (500 + 7200, "idle for 2h")


def test_lost_with_output_owed_is_kept() -> None:
    tenure = owned(5400)
    tenure.attach()
    tenure.lose(100, owes=True)
    assert tenure.deadline() == (100 + 5400, "idle for 1h30m")


def test_detached_is_kept_for_good() -> None:
    tenure = owned(61)
    tenure.attach()
    tenure.detach(10)
    assert tenure.deadline() == (71, "idle for 1m1s")
    tenure.attach()
    tenure.lose(20, owes=False)
    assert tenure.deadline() == (81, "idle for 1m1s")


def test_no_timeout_no_deadline() -> None:
    assert Tenure(0, kept=True, idle_timeout=0).deadline() is None


def test_idle_since_the_later_of_both() -> None:
    tenure = owned()
    tenure.attach()
    assert tenure.idle_since is None
    tenure.set_busy(5, True)
    tenure.detach(10)
    assert tenure.idle_since is None
    tenure.set_busy(30, False)
    assert tenure.idle_since == 30
