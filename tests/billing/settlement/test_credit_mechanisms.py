"""Months with every mechanism of service credits, settled from a ledger of observed figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.settlement.calculation import settle
from billing.settlement.checks import DoesNotReconcile, reconciles
from billing.settlement.documents import credits_json, invoice_json
from billing.settlement.values import Settlement
from governance.contract.document import Contract
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from sla.service_credits.values import ServiceCredits
from tests.sla.kpis.ledgers import ledger_of

_PARTY = {"name": "A", "country": "DE", "vat_id": "DE123456789"}
_VALUES = {
    "2026-10": "90",
    "2026-11": "84",
    "2026-12": "96",
    "2027-01": "84",
    "2027-02": "97",
}


def _contract(**terms: Any) -> Contract:
    bonus = {"percent_per_point": 1, "max_bonus_percent": 3, "max_malus_percent": 5}
    return Contract.model_validate(
        {
            "plumbline": 1,
            "engagement": {
                "reference": "ENG-1",
                "title": "Collections",
                "model": "managed",
                "client": _PARTY,
                "provider": _PARTY,
                "currency": "EUR",
                "starts": "2026-01-01",
            },
            "service_levels": [
                {
                    "id": "SL-01",
                    "clause": "3.1",
                    "kpi": "observed",
                    "parameters": {"measure": "quality"},
                    "expected": "85.0",
                    "round_to": 1,
                    "bonus_malus": bonus,
                    "ratchet": {"form": "halfway_to_average"},
                }
            ],
            "service_credits": {"method": "bonus_malus"} | terms,
            "charges": [{"id": "CH-01", "title": "Fee", "type": "fixed", "amount": 10000}],
            "invoicing": {"tax": {"category": "standard", "rate": 19}},
        }
    )


def _settled(contract: Contract, month: str) -> Settlement:
    rows = [
        {"measure": "quality", "period": period, "value": Decimal(value), "document": "Q.pdf"}
        for period, value in _VALUES.items()
    ]
    with ledger_of({"observations": rows}) as ledger:
        return settle(contract, "0" * 64, ledger, Period.parse(month), load_catalogue())


def _given(settlement: Settlement) -> ServiceCredits:
    assert settlement.credits is not None
    return settlement.credits


def test_a_promise_that_rose_is_what_the_month_is_settled_by() -> None:
    settlement = _settled(_contract(), "2027-01")
    # The mean of 90, 84 and 96 is 90, and 85 goes half of the way to it.
    assert settlement.measured.results[0].expected == Decimal("87.5")
    given = _given(settlement)
    assert (given.service_levels[0].expected, given.credit) == (Decimal("87.5"), Decimal("350.00"))
    assert "expected went from 85.0 to 87.5 on 2027-01-01" in given.service_levels[0].why
    invoice = invoice_json(settlement)
    assert invoice["service_credits"][0]["misses"][0]["expected"] == "87.5"


def test_a_bonus_raises_the_invoice() -> None:
    settlement = _settled(_contract(), "2027-02")
    assert (_given(settlement).bonus, _given(settlement).net) == (Decimal(300), Decimal(-300))
    assert settlement.priced.service_credit == Decimal("-300.00")
    assert settlement.priced.total == Decimal("12257.00")
    assert credits_json(settlement)["bonus"] == "300.00"


def test_a_balance_is_known_from_all_months_of_the_engagement() -> None:
    earn_back = {"form": "balance", "percent": 50}
    settlement = _settled(_contract(earn_back=earn_back), "2027-01")
    moved = _given(settlement).balance[0]
    # November cost 100 and December balanced half of it, which January's 350 use up.
    assert [moved.opening, moved.used, moved.closing] == [50, 50, 0]
    assert _given(settlement).net == Decimal("300.00")


@pytest.mark.parametrize(
    "change", [{"bonus": Decimal(1)}, {"net": Decimal(1)}, {"credit": Decimal(1)}]
)
def test_contradictions_are_found(change: dict[str, Any]) -> None:
    settlement = _settled(_contract(), "2027-01")
    wrong = replace(_given(settlement), **change)
    with pytest.raises(DoesNotReconcile):
        reconciles(replace(settlement, credits=wrong))


def test_persistent_failures_add_up_to_the_credit() -> None:
    persistent = [{"count": 2, "within_months": 3, "percent": 1}]
    given = _given(_settled(_contract(persistent_failure=persistent), "2027-01"))
    # One percent of twelve months' fees, and the malus of 3.5 points.
    assert [failure.credit for failure in given.persistent_failures] == [Decimal("1200.00")]
    assert given.credit == Decimal("1550.00")
    assert given.persistent_failures[0].misses[-1].end == date(2027, 1, 31)
