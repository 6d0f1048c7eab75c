"""What a connection costs its source, message by message, with a clock that the tests hold."""

from __future__ import annotations

import pytest

from remit.gateway.bill import Bill
from remit.gateway.limits import PENALTIES, Admission
from remit.gateway.settings import Caps
from remit.wire.problem import CODES

HERE = "192.0.2.1"
DENIED = PENALTIES["denied"]


class Ledger(Admission):
    """An admission that keeps what each of its sources was charged."""

    def __init__(self) -> None:
        super().__init__(Caps())
        self.charged: list[float] = []

    def punish(self, source: str, seconds: float, now: float) -> None:
        assert source == HERE
        self.charged.append(seconds)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def bill(ledger: Ledger) -> Bill:
    return Bill(ledger, HERE, 0.5, 100.0)


def go_by(bill: Bill, *types: str, code: str = "denied") -> None:
    for type_ in types:
        bill.observe(type_, code if type_ == "failed" else "", 100.0)


GUESS = ("authenticate", "prompt", "answer", "failed")


@pytest.mark.parametrize("code", CODES)
def test_every_failed_attempt_counts_at_once(bill: Bill, ledger: Ledger, code: str) -> None:
    go_by(bill, "hello", "welcome", *GUESS, *GUESS, code=code)
    assert ledger.charged == [DENIED, DENIED]


def test_an_attempt_that_fails_without_a_question_counts(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, "hello", "welcome", "authenticate", "failed", code="limit")
    assert ledger.charged == [DENIED]


def test_an_attempt_that_succeeds_costs_nothing(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, "hello", "welcome", "authenticate", "prompt", "answer", "authenticated", "list")
    bill.settle("left", 5000.0)
    assert not ledger.charged


def test_leaving_before_the_outcome_is_no_way_out(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, "hello", "welcome", *GUESS[:3])
    bill.settle("left", 100.3)
    assert DENIED in ledger.charged


def test_leaving_at_a_question_costs_no_attempt(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, "hello", "welcome", *GUESS[:2])
    bill.settle("left", 100.3)
    assert ledger.charged == [PENALTIES["left"]]


@pytest.mark.parametrize("code, charged", [("denied", [DENIED]), ("no-session", [])])
def test_what_a_known_user_fails_of(
    bill: Bill, ledger: Ledger, code: str, charged: list[float]
) -> None:
    """An endpoint may ask by PAM too; whatever else does not go well is no attempt."""
    go_by(bill, "authenticate", "authenticated", "open", "prompt", "answer", "failed", code=code)
    bill.settle("left", 5000.0)
    assert ledger.charged == charged


def test_a_known_user_who_leaves_before_the_outcome(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, "authenticate", "authenticated", *GUESS[:3])
    bill.settle("left", 5000.0)
    assert ledger.charged == [DENIED]


@pytest.mark.parametrize("offence", PENALTIES)
def test_the_place_is_paid_for(bill: Bill, ledger: Ledger, offence: str) -> None:
    bill.settle(offence, 160.0)
    assert ledger.charged == [30.0]


def test_what_attempts_cost_is_part_of_it(bill: Bill, ledger: Ledger) -> None:
    go_by(bill, *GUESS, *GUESS)
    bill.settle("timeout", 160.0)
    assert sum(ledger.charged) == 30.0


def test_one_connection_after_the_other_is_never_refused() -> None:
    """A person who is slow, however often: the rent is less than what passes by itself."""
    admission = Admission(Caps())
    for start in range(0, 1200, 60):
        Bill(admission, HERE, Caps().rent, float(start)).settle("timeout", start + 60.0)
        assert admission.debt_of(HERE, start + 60.0) <= Caps().tolerated
