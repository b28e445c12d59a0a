"""What was computed comes back as it was stored, on both databases."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from sla.measurements.queries import measured_period_of
from sla.measurements.service import store_measured_period
from sla.measurements.values import MeasuredPeriod
from sla.service_credits.calculation import Judgement, compute_credits, judge
from sla.service_credits.service import service_credits_of, store_service_credits
from sla.service_credits.values import (
    ServiceCredits,
)
from tests.factories import make_actor, make_contract
from tests.sla.service_credits.contracts import contract_with
from tests.sla.service_credits.test_mixed import BOTH_HIGHER, MIXED, MIXED_LEVELS, MIXED_MONTHS


def _stored(session: Session, given: ServiceCredits) -> ServiceCredits | None:
    actor = make_actor(session)
    added = make_contract(session, actor, f"ENG-{given.period.label}")
    measured = MeasuredPeriod(given.period, "EUR", ())
    record = store_measured_period(session, actor, added.version, measured)
    store_service_credits(session, record, given)
    session.expire_all()
    assert measured_period_of(session, record) == measured
    return service_credits_of(session, record)


@pytest.mark.parametrize("month", range(4))
def test_every_mechanism_comes_back(session: Session, month: int) -> None:
    given = compute_credits(MIXED, BOTH_HIGHER, MIXED_MONTHS)[month]
    assert _stored(session, given) == given


def test_a_credit_without_them_stores_nothing_further(session: Session) -> None:
    contract = contract_with({"method": "per_event", "amount": 10}, MIXED_LEVELS)
    given = compute_credits(contract, BOTH_HIGHER, MIXED_MONTHS[:1])[0]
    assert given.agreed == ()
    assert _stored(session, given) == given


def test_stored_credits_are_the_history_of_later_months(session: Session) -> None:
    computed = compute_credits(MIXED, BOTH_HIGHER, MIXED_MONTHS)
    sealed = [_stored(session, given) for given in computed[:-1]]
    periods = [
        Judgement(MIXED, BOTH_HIGHER, results, credit)
        for results, credit in zip(MIXED_MONTHS, [*sealed, None], strict=True)
    ]
    assert judge(periods) == computed
