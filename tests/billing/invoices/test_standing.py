"""The standing of an issued invoice: cases that people decided on, and what always holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.standing import Stage, StandingFacts, standing
from tests.paths import CASES

_DUE = date(2026, 3, 31)
_TEXT = (CASES / "standing.yaml").read_text("utf-8")
_CASES: list[dict[str, Any]] = yaml.load(_TEXT, yaml.BaseLoader)  # noqa: S506 (it makes only text)
_AMOUNTS = ("payable", "credited", "paid", "written_off", "disputed")
_CENTS = st.integers(0, 10_000).map(lambda cents: Decimal(cents) / 100)


def _facts(case: Mapping[str, Any]) -> StandingFacts:
    amounts = {name: Decimal(case.get(name, "0")) for name in _AMOUNTS}
    today = date.fromisoformat(case.get("today", "2026-03-01"))
    return StandingFacts(due_on=_DUE, today=today, sent=case.get("sent") == "true", **amounts)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["case"])
def test_cases(case: Mapping[str, Any]) -> None:
    found = standing(_facts(case))
    assert found.stage == case["stage"]
    assert found.open == Decimal(case["open"])
    assert found.balance_of_client == Decimal(case.get("balance", "0"))
    assert found.overdue == (case.get("overdue") == "true")


def test_every_stage_has_a_case() -> None:
    assert {case["stage"] for case in _CASES} == set(Stage)


@given(
    amounts=st.fixed_dictionaries(dict.fromkeys(_AMOUNTS, _CENTS)),
    sent=st.booleans(),
    today=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_nothing_is_lost_between_open_and_balance(
    amounts: dict[str, Decimal], sent: bool, today: date
) -> None:
    found = standing(StandingFacts(due_on=_DUE, today=today, sent=sent, **amounts))
    owed = amounts["payable"] - amounts["credited"] - amounts["paid"]
    # What was written off and is credited later is nothing that the client gets back.
    written_off = min(amounts["written_off"], max(owed, Decimal(0)))
    assert found.open >= 0
    assert found.balance_of_client >= 0
    assert found.open - found.balance_of_client == owed - written_off
    settled = {Stage.PAID, Stage.CREDITED, Stage.WRITTEN_OFF}
    assert (found.stage in settled) is (found.open == 0)
    assert not found.overdue or found.open
