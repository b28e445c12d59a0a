"""Promises that rise with what was reached, measured from evidence, over the versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.contract.service_levels import Ratchet, ServiceLevel
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.measurements.calculation import measure
from sla.measurements.circumstances import PLAIN, Circumstances
from sla.measurements.promises import reached_in
from sla.measurements.queries import measured_period_of
from sla.measurements.ratchet import Judged, Promise, next_promise
from sla.measurements.serialise import measured_period_json
from sla.measurements.service import measurements_of, store_measured_period
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.measurements.versions import Version
from tests.factories import make_actor, make_contract
from tests.sla.kpis.ledgers import Row, ledger_of
from tests.sla.service_credits.contracts import contract_with

_YEAR = list(Period(date(2026, 1, 1), date(2026, 12, 31)).months())
_JANUARY = Period.month(2027, 1)


def _contract(**level: Any) -> Contract:
    usual = {
        "id": "SL-01",
        "parameters": {"measure": "quality"},
        "expected": "85.0",
        "round_to": 1,
        "ratchet": {"form": "halfway_to_average"},
    }
    return contract_with(None, [usual | level])


def _observed(values: Mapping[Period, str]) -> list[Row]:
    return [
        {"measure": "quality", "period": period.label, "value": Decimal(value), "document": "Q.pdf"}
        for period, value in values.items()
    ]


def _measured(
    contract: Contract,
    values: Mapping[Period, str],
    period: Period = _JANUARY,
    circumstances: Circumstances = PLAIN,
) -> MeasuredPeriod:
    with ledger_of({"observations": _observed(values)}) as ledger:
        return measure(contract, ledger, period, load_catalogue(), circumstances)


def _result(
    contract: Contract,
    values: Mapping[Period, str],
    period: Period = _JANUARY,
    circumstances: Circumstances = PLAIN,
) -> Measurement:
    return _measured(contract, values, period, circumstances).results[0]


_NINETY = dict.fromkeys(_YEAR, "90") | {_JANUARY: "87.4"}


def test_the_months_before_are_measured_for_the_promise() -> None:
    found = _result(_contract(), _NINETY)
    assert (found.expected, found.status) == (Decimal("87.5"), Status.BELOW_MINIMUM)
    assert found.risen == (
        "expected went from 85.0 to 87.5 on 2027-01-01, 50% of the way to the average 90.0 of 2026"
    )
    assert _result(_contract(), _NINETY, _YEAR[-1]).expected == Decimal("85.0")


def test_the_answer_says_how_the_promise_rose_where_it_did() -> None:
    risen, before = (
        measured_period_json(_measured(_contract(), _NINETY, period))["results"][0]
        for period in (_JANUARY, _YEAR[-1])
    )
    assert risen["expected"] == "87.5"
    assert risen["promise"]["why"].startswith("expected went from 85.0 to 87.5")
    assert [one["value"] for one in risen["promise"]["values"]] == ["90.0"] * 12
    assert risen["promise"]["values"][0] == {
        "start": "2026-01-01",
        "end": "2026-01-31",
        "value": "90.0",
    }
    assert before["promise"] == {"why": "", "values": []}


def test_a_learning_period_does_not_count_in_the_average() -> None:
    values = dict.fromkeys(_YEAR[:6], "100") | dict.fromkeys(_YEAR[6:], "90")
    assert _result(_contract(starts="2026-07-01"), values).expected == Decimal("87.5")


def test_given_measurements_count_in_place_of_the_evidence() -> None:
    plain = [_measured(_contract(), _NINETY, month) for month in _YEAR]
    decided = [
        replace(month, results=tuple(replace(one, value=Decimal("89.0")) for one in month.results))
        for month in plain[:6]
    ]
    excused = [
        replace(month, results=tuple(replace(one, status=Status.EXCUSED) for one in month.results))
        for month in plain[6:]
    ]
    given = Circumstances(measured=(*decided, *excused))
    assert _result(_contract(), _NINETY, circumstances=given).expected == Decimal("87.0")


def test_stated_values_compute_the_promise_again_whatever_the_evidence_says() -> None:
    found = _result(_contract(), _NINETY)
    stated = Circumstances(reached=reached_in([found]))
    other = dict.fromkeys(_YEAR, "99") | {_JANUARY: "87.4"}
    assert _result(_contract(), other, circumstances=stated) == found


def test_a_promise_is_stored_with_its_values(session: Session) -> None:
    actor = make_actor(session)
    added = make_contract(session, actor)
    measured = MeasuredPeriod(_JANUARY, "EUR", (_result(_contract(), _NINETY),))
    record = store_measured_period(session, actor, added.version, measured)
    session.expire_all()
    assert measured_period_of(session, record) == measured
    assert measurements_of(session, record)[0].risen == measured.results[0].risen


def test_a_version_that_states_another_promise_begins_anew() -> None:
    first, second = _contract(), _contract(expected="88.0")
    amended = Circumstances(
        versions=(
            Version(1, "a" * 64, date(2026, 1, 1), first),
            Version(2, "b" * 64, date(2027, 3, 15), second),
        )
    )
    values = _NINETY | {Period.month(2027, month): "96" for month in range(2, 13)}
    expected = {
        month.label: _result(second, values, month, amended).expected
        for month in (_JANUARY, Period.month(2027, 3), Period.month(2028, 1))
    }
    # The mean of 2027 is (87.4 + 11 × 96) / 12 = 95.3.
    assert expected == {
        "2027-01": Decimal("87.5"),
        "2027-03": Decimal("88.0"),
        "2028-01": Decimal("91.7"),
    }


def test_a_version_that_leaves_the_promise_leaves_its_rises() -> None:
    first, second = _contract(), _contract(minimum="70.0")
    amended = Circumstances(
        versions=(
            Version(1, "a" * 64, date(2026, 1, 1), first),
            Version(2, "b" * 64, date(2027, 1, 1), second),
        )
    )
    assert _result(second, _NINETY, circumstances=amended).expected == Decimal("87.5")


def _promises(level: ServiceLevel, starts: date, *months: Period) -> list[Promise]:
    promise: Promise | None = None
    found = []
    for month in months:
        judged = Judged(level, Direction.HIGHER_IS_BETTER, month)
        promise = next_promise(promise, judged, starts, {})
        found.append(promise)
    return found


_GAP = _contract(expected="80", round_to=None, ratchet={"form": "gap_to_100"}).service_levels[0]


@pytest.mark.parametrize(
    ("starts", "rises_in"),
    [
        (date(2026, 1, 1), Period.month(2027, 1)),
        (date(2026, 1, 2), Period.month(2027, 2)),
        (date(2026, 1, 31), Period.month(2027, 2)),
        (date(2024, 2, 29), Period.month(2025, 3)),
        (date(2026, 12, 1), Period.month(2027, 12)),
    ],
)
def test_the_new_promise_holds_from_the_first_month_on_or_after_the_anniversary(
    starts: date, rises_in: Period
) -> None:
    before, risen = _promises(_GAP, starts, rises_in.previous(), rises_in)
    assert [before.expected, risen.expected] == [80, 90]
    assert (before.why, risen.why[:28]) == ("", "expected went from 80 to 90 ")


def test_every_anniversary_counts_once() -> None:
    months = [Period.month(2027 + at // 12, at % 12 + 1) for at in range(36)]
    found = _promises(_GAP, date(2026, 1, 1), *months)
    assert [str(promise.expected) for promise in found[::12]] == ["90", "95", "97.5"]
    assert found[0].expected == found[11].expected


def test_a_ratchet_that_is_added_later_looks_at_later_anniversaries_only() -> None:
    plain = _GAP.model_copy(update={"ratchet": None})
    starts, month = date(2026, 1, 1), Period.month(2027, 6)
    judged = Judged(plain, Direction.HIGHER_IS_BETTER, month)
    before = next_promise(None, judged, starts, {})
    added = Judged(_GAP, Direction.HIGHER_IS_BETTER, month.following())
    assert next_promise(before, added, starts, {}).expected == 80
    later = Judged(_GAP, Direction.HIGHER_IS_BETTER, Period.month(2028, 1))
    assert next_promise(before, later, starts, {}).expected == 90


def test_a_capped_rise_says_so() -> None:
    ratchet = Ratchet(form="gap_to_100", max_points=Decimal(3))
    level = _GAP.model_copy(update={"ratchet": ratchet})
    promise = _promises(level, date(2026, 1, 1), _JANUARY)[0]
    assert promise.why == (
        "expected went from 80 to 83 on 2027-01-01, 50% of the way to 100, at most 3 points a year"
    )
