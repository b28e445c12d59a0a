"""Claim windows, their states and reminders, day by day, and what comes off an invoice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from governance.contract.service_credits import PerEvent
from governance.values import Period
from sla.claims.coming_off import with_claims
from sla.claims.values import Window, reminder_due, window_of
from sla.measurements.values import Status
from sla.service_credits.values import (
    Claim,
    Claims,
    ClaimState,
    EarnedBack,
    LevelCredit,
    ServiceCredits,
)

JANUARY, FEBRUARY = Period.month(2026, 1), Period.month(2026, 2)
WINDOW = Window(JANUARY, date(2026, 2, 1), date(2026, 3, 2))
DAYS = (14, 7, 1)


def test_the_window_is_so_many_days_after_the_period() -> None:
    terms = PerEvent(method="per_event", claim_within_days=30)
    assert window_of(terms, JANUARY) == WINDOW
    assert window_of(PerEvent(method="per_event"), JANUARY) is None
    assert window_of(None, JANUARY) is None


@pytest.mark.parametrize(
    ("today", "accepted", "state"),
    [
        (date(2026, 1, 31), False, ClaimState.OPEN),
        (date(2026, 2, 1), True, ClaimState.OPEN),
        (date(2026, 3, 2), True, ClaimState.OPEN),
        (date(2026, 3, 3), False, ClaimState.LAPSED),
    ],
)
def test_the_first_and_the_last_day_count(today: date, accepted: bool, state: ClaimState) -> None:
    assert WINDOW.accepts(today) is accepted
    assert WINDOW.state(today) is state


def test_what_was_claimed_in_time_stays_claimed() -> None:
    assert WINDOW.state(date(2027, 1, 1), date(2026, 3, 2)) is ClaimState.CLAIMED
    assert WINDOW.state(date(2027, 1, 1), date(2026, 3, 3)) is ClaimState.LAPSED
    assert Claims(date(2026, 2, 9), date(2026, 2, 10)).state(WINDOW.until) is ClaimState.OPEN


@pytest.mark.parametrize(
    ("left", "due"),
    [
        (29, None),
        (15, None),
        (14, 14),
        (13, 14),
        (8, 14),
        (7, 7),
        (2, 7),
        (1, 1),
        (0, 1),
        (-1, None),
    ],
)
def test_each_reminder_is_due_from_its_day_until_the_next(left: int, due: int | None) -> None:
    assert reminder_due(WINDOW, WINDOW.until - timedelta(days=left), DAYS) == due


def test_a_short_window_begins_with_the_nearest_reminder() -> None:
    short = Window(JANUARY, date(2026, 2, 1), date(2026, 2, 5))
    assert reminder_due(short, date(2026, 1, 31), DAYS) is None
    assert reminder_due(short, date(2026, 2, 1), DAYS) == 7
    assert reminder_due(short, date(2026, 2, 1), ()) is None


def _credits(
    period: Period, state: ClaimState | None, back: tuple[EarnedBack, ...] = ()
) -> ServiceCredits:
    earned = sum((one.amount for one in back), Decimal("0.00"))
    return ServiceCredits(
        period=period,
        currency="EUR",
        base=Decimal("1000.00"),
        cap=None,
        service_levels=(),
        before_cap=Decimal("100.00"),
        credit=Decimal("100.00"),
        earned_back=earned,
        net=(Decimal("0.00") if state is ClaimState.LAPSED else Decimal("100.00")) - earned,
        earn_backs=back,
        claim=None if state is None else Claim(state, WINDOW.until),
    )


def _nets(found: tuple[ServiceCredits, ...]) -> list[tuple[str, Decimal]]:
    return [(one.period.label, one.net) for one in found]


@pytest.mark.parametrize(
    ("state", "net"),
    [
        (None, "100.00"),
        (ClaimState.CLAIMED, "100.00"),
        (ClaimState.OPEN, "0.00"),
        (ClaimState.LAPSED, "0.00"),
    ],
)
def test_only_what_is_claimed_comes_off(state: ClaimState | None, net: str) -> None:
    given = (_credits(JANUARY, state),)
    assert _nets(with_claims(given, given, ())) == [("2026-01", Decimal(net))]


def test_a_late_claim_brings_the_credit_alone_and_what_is_set_off_against_it() -> None:
    old = EarnedBack("SL-01", Period.month(2025, 12), Decimal("30.00"), "")
    own = EarnedBack("SL-01", JANUARY, Decimal("20.00"), "")
    january = _credits(JANUARY, ClaimState.CLAIMED, (old, own))
    february = _credits(FEBRUARY, ClaimState.OPEN)
    found = with_claims((february,), (january, february), (JANUARY,))
    assert _nets(found) == [("2026-01", Decimal("80.00")), ("2026-02", Decimal("0.00"))]
    assert found[0].earn_backs == (own,)


def test_what_was_earned_back_counts_while_the_claim_is_open_but_no_set_off() -> None:
    old = EarnedBack("SL-01", Period.month(2025, 12), Decimal("30.00"), "")
    own = EarnedBack("SL-01", JANUARY, Decimal("20.00"), "")
    january = _credits(JANUARY, ClaimState.OPEN, (old, own))
    (found,) = with_claims((january,), (january,), ())
    assert (found.net, found.earned_back, found.earn_backs) == (
        Decimal("-30.00"),
        Decimal("30.00"),
        (old,),
    )


def test_an_invoice_states_no_part_of_what_is_not_claimed() -> None:
    level = LevelCredit(
        "SL-01",
        Decimal("98.0"),
        Status.BELOW_MINIMUM,
        Decimal("100.00"),
        Decimal("100.00"),
        "why",
        bonus=Decimal("7.00"),
    )
    given = replace(_credits(JANUARY, ClaimState.OPEN), service_levels=(level,))
    given = replace(given, bonus=Decimal("7.00"), net=Decimal("93.00"))
    (found,) = with_claims((given,), (given,), ())
    assert (found.credit, found.net) == (Decimal("0.00"), Decimal("-7.00"))
    assert [(one.credit, one.bonus) for one in found.service_levels] == [
        (Decimal("0.00"), Decimal("7.00"))
    ]
    claimed = replace(given, claim=Claim(ClaimState.CLAIMED, WINDOW.until))
    (late,) = with_claims((), (claimed,), (JANUARY,))
    assert (late.credit, late.bonus, late.net) == (
        Decimal("100.00"),
        Decimal("0.00"),
        Decimal("100.00"),
    )
    assert [one.bonus for one in late.service_levels] == [None]
