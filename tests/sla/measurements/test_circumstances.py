"""Service levels that are added, changed or ended, relieved, or decided on, as measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from governance.access import Side
from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.measurements.calculation import measure
from sla.measurements.circumstances import Circumstances
from sla.measurements.serialise import measurement_json
from sla.measurements.values import Measurement, Status
from sla.measurements.versions import Version
from sla.relief.values import Relief, ReliefEvent, ReliefKind, Span
from sla.reviews.values import DecidedValue
from tests.sla.kpis.ledgers import ledger_of, rows_of

MARCH = Period.parse("2026-03")
_PAID = {
    "invoices": rows_of("""
        invoice_id, issue_date, due_date, amount
        I1, 2026-01-01, 2026-01-31, 100
        I2, 2026-02-01, 2026-02-28, 100
        I3, 2026-03-01, 2026-03-10, 100
        I4, 2026-03-01, 2026-03-20, 100
    """),
    "allocations": rows_of("""
        receipt_id, invoice_id, amount, applied_on
        R1, I1, 100, 2026-01-20
        R3, I3, 100, 2026-03-05
        R4, I4, 100, 2026-03-30
    """),
}
_LEVEL = {
    "id": "SL-1",
    "title": "Within terms",
    "kpi": "collected_within_terms",
    "parameters": {"weight": "count"},
    "expected": "80",
    "minimum": "60",
    "round_to": 1,
}


def _contract(*levels: Mapping[str, Any]) -> Contract:
    party = {"name": "Somebody", "country": "DE"}
    engagement = {
        "reference": "ENG-1",
        "title": "Collections",
        "model": "full",
        "client": party,
        "provider": party,
        "currency": "EUR",
        "starts": date(2026, 1, 1),
    }
    chosen = [dict(level) for level in levels]
    return Contract.model_validate(
        {"plumbline": 1, "engagement": engagement, "service_levels": chosen}
    )


def _version(number: int, since: str, *levels: Mapping[str, Any]) -> Version:
    return Version(number, f"{number:064}", date.fromisoformat(since), _contract(*levels))


def _measured(
    *versions: Version, period: Period = MARCH, **circumstances: Any
) -> tuple[Measurement, ...]:
    given = Circumstances(versions, **circumstances)
    with ledger_of(_PAID) as ledger:
        return measure(versions[-1].contract, ledger, period, load_catalogue(), given).results


FIRST = _version(1, "2026-01-01", _LEVEL)


def test_a_measurement_names_the_version_in_force() -> None:
    (result,) = _measured(FIRST)
    assert (result.contract_version, result.contract_sha256) == (1, f"{1:064}")
    assert result.consequential
    assert measurement_json(result)["contract_version"] == 1


def test_the_version_of_the_last_day_governs_and_earlier_terms_stand_beside_it() -> None:
    changed = _version(2, "2026-03-16", {**_LEVEL, "expected": "40"})
    (result,) = _measured(FIRST, changed)
    assert result.contract_version == 2
    assert (result.value, result.status) == (Decimal("50.0"), Status.MET)
    assert result.consequential
    (earlier,) = result.earlier_terms
    assert earlier.contract_version == 1
    assert earlier.days == Period(date(2026, 3, 1), date(2026, 3, 15))
    assert (earlier.value, earlier.expected, earlier.status) == (
        Decimal("100.0"),
        Decimal(80),
        Status.MET,
    )


def test_another_title_is_no_change_of_terms() -> None:
    changed = _version(2, "2026-03-16", {**_LEVEL, "title": "Paid in time", "clause": "9"})
    (result,) = _measured(FIRST, changed)
    assert result.contract_version == 2
    assert result.earlier_terms == ()


def test_an_amendment_after_the_period_changes_nothing() -> None:
    with ledger_of(_PAID) as ledger:
        later = _version(2, "2026-04-01", {**_LEVEL, "expected": "40"})
        given = Circumstances((FIRST, later))
        measured = measure(FIRST.contract, ledger, MARCH, load_catalogue(), given)
    assert measured.results == _measured(FIRST)


_NONE = _version(1, "2026-01-01")


@pytest.mark.parametrize(
    ("window", "added", "period", "days", "consequential"),
    [
        ("month", "2026-03-15", "2026-03", ("2026-03-15", "2026-03-31"), False),
        ("month", "2026-03-15", "2026-04", ("2026-04-01", "2026-04-30"), True),
        ("month", "2026-03-01", "2026-03", ("2026-03-01", "2026-03-31"), True),
        ("quarter", "2026-02-01", "2026-03", ("2026-02-01", "2026-03-31"), False),
        ("quarter", "2026-02-01", "2026-06", ("2026-04-01", "2026-06-30"), True),
        ("rolling_3_months", "2026-03-15", "2026-04", ("2026-03-15", "2026-04-30"), True),
        ("year", "2026-02-01", "2026-12", ("2026-02-01", "2026-12-31"), False),
        ("year", "2026-02-01", "2027-12", ("2027-01-01", "2027-12-31"), True),
    ],
)
def test_a_level_added_within_a_period_has_no_consequence_before_its_first_full_one(
    window: str, added: str, period: str, days: tuple[str, str], consequential: bool
) -> None:
    later = _version(2, added, {**_LEVEL, "window": window})
    (result,) = _measured(_NONE, later, period=Period.parse(period))
    assert result.window == Period(*map(date.fromisoformat, days))
    assert result.consequential is consequential
    assert bool(result.no_consequence) is not consequential


def test_a_level_that_was_removed_is_measured_over_its_days_without_consequence() -> None:
    removed = _version(2, "2026-03-16")
    (result,) = _measured(FIRST, removed)
    assert result.contract_version == 1
    assert result.window == Period(date(2026, 3, 1), date(2026, 3, 15))
    assert result.value == Decimal("100.0")
    assert result.no_consequence == "no consequence, as it ended on 2026-03-15"
    assert _measured(FIRST, removed, period=Period.parse("2026-04")) == ()


@pytest.mark.parametrize(
    ("ends", "days", "consequential"),
    [("2026-03-15", 15, False), ("2026-03-31", 31, True), ("2026-04-02", 31, True)],
)
def test_a_level_ends_by_its_own_terms(ends: str, days: int, consequential: bool) -> None:
    (result,) = _measured(_version(1, "2026-01-01", {**_LEVEL, "ends": date.fromisoformat(ends)}))
    assert result.window.days == days
    assert result.consequential is consequential


def test_a_learning_period_says_so() -> None:
    (result,) = _measured(_version(1, "2026-01-01", {**_LEVEL, "starts": date(2026, 4, 1)}))
    assert result.no_consequence == "no consequence before 2026-04-01 (learning period)"


EVENT = ReliefEvent(
    reference="RE-1",
    kind=ReliefKind.CLIENT_CAUSED,
    title="Portal closed",
    reason="The client's portal was closed",
    clause="Schedule 2, 9",
    period=MARCH,
    relief=Relief({"invoices": frozenset({"I4"})}),
)


def test_relief_keeps_the_result_without_it() -> None:
    (result,) = _measured(FIRST, relief=(EVENT,))
    assert (result.value, result.status, result.rows) == (Decimal("100.0"), Status.MET, 1)
    before = result.without_relief
    assert before is not None
    assert (before.value, before.status, before.rows) == (
        Decimal("50.0"),
        Status.BELOW_MINIMUM,
        2,
    )
    assert (before.events, before.rows_out, before.seconds_out) == (("RE-1",), 1, 0)


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, service_levels=frozenset({"SL-2"})),
        replace(EVENT, period=Period.parse("2026-02")),
    ],
)
def test_relief_for_others_changes_nothing(event: ReliefEvent) -> None:
    assert _measured(FIRST, relief=(event,)) == _measured(FIRST)


def test_time_that_is_taken_out_is_counted_within_the_window() -> None:
    span = Span(datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))
    (result,) = _measured(FIRST, relief=(replace(EVENT, relief=Relief({}, (span,))),))
    assert result.without_relief is not None
    assert result.without_relief.seconds_out == 12 * 3600


def test_nothing_left_to_measure_is_excused() -> None:
    relief = Relief({"invoices": frozenset({"I3", "I4"})})
    (result,) = _measured(FIRST, relief=(replace(EVENT, relief=relief),))
    assert (result.value, result.status) == (None, Status.EXCUSED)


def test_a_level_can_be_excused_as_a_whole_and_keeps_its_value() -> None:
    event = replace(EVENT, relief=Relief(), excused=True)
    (result,) = _measured(FIRST, relief=(event,))
    assert (result.value, result.status) == (Decimal("50.0"), Status.EXCUSED)
    rolling = _version(1, "2026-01-01", {**_LEVEL, "window": "rolling_3_months"})
    (later,) = _measured(rolling, period=Period.parse("2026-04"), relief=(event,))
    assert later.status is not Status.EXCUSED


DECIDED = DecidedValue(
    service_level="SL-1",
    value=Decimal("85.04"),
    reason="counted by hand",
    proposed_side=Side.PROVIDER,
    proposed_by_id=1,
    accepted_by_id=2,
    accepted_at=datetime(2026, 4, 2, tzinfo=UTC),
)


def test_a_decided_value_counts_and_the_measured_one_is_kept() -> None:
    (result,) = _measured(FIRST, decisions={"SL-1": DECIDED})
    assert (result.value, result.status) == (Decimal("85.0"), Status.MET)
    assert result.unrounded == Decimal(50)
    assert result.computed is not None
    assert (result.computed.value, result.computed.status) == (
        Decimal("50.0"),
        Status.BELOW_MINIMUM,
    )


def test_a_level_can_be_excused_by_decision() -> None:
    (result,) = _measured(FIRST, decisions={"SL-1": replace(DECIDED, value=None)})
    assert (result.value, result.status) == (Decimal("50.0"), Status.EXCUSED)
