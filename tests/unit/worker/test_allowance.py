"""Events of what came to nothing: so many, then their number, then as many again."""

from __future__ import annotations

from remit.worker.allowance import MOST, PERIOD, Allowance


def test_so_many_and_no_more() -> None:
    allowance = Allowance()
    assert [allowance.take(0.0) for _ in range(MOST + 2)] == [True] * MOST + [False] * 2
    assert allowance.wait(4.0) == PERIOD - 4.0
    assert (allowance.settle(), allowance.settle()) == (2, 0)


def test_a_new_period_begins_when_the_number_has_been_told() -> None:
    allowance = Allowance()
    for _ in range(MOST + 1):
        allowance.take(0.0)
    assert not allowance.take(PERIOD)
    assert allowance.settle() == 2
    assert allowance.take(PERIOD)


def test_what_comes_slowly_is_never_left_out() -> None:
    allowance = Allowance()
    assert all(allowance.take(number * PERIOD / MOST) for number in range(5 * MOST))
