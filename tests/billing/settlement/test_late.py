"""Late rows as quantities: debts recalled late stand with the receipts of their charge."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.charges.values import LateQuantity, MeteredAmount
from billing.metering.rows import Row
from billing.metering.values import LateRows, Metering, MeterShare
from billing.settlement.late import late_usage, meters_of
from billing.settlement.metered import PLACED_CASH, RECALLED, as_metered
from governance.contract.document import Contract
from governance.values import Period
from tests.billing.settlement.cases import contract_of
from tests.sla.kpis.ledgers import ledger_of, rows_of

JANUARY = Period.month(2026, 1)
_FEE: dict[str, Any] = {
    "id": "CH-09",
    "title": "Success fee",
    "type": "contingency",
    "meter": "cash_collected",
    "age_at": "placement",
    "age_bands": [{"over_days": 0, "rate": "20"}],
    "recall_rate": "5",
}
_EVIDENCE = {
    "invoices": "invoice_id, issue_date, due_date, amount\nI1, 2025-12-01, 2025-12-31, 900",
    "placements": "invoice_id, placed_on, amount, recalled_on\nI1, 2026-01-10, 900, 2026-01-20",
    "allocations": "receipt_id, invoice_id, amount, applied_on\nR1, I1, 200, 2026-01-15",
}


def _contract() -> Contract:
    return as_metered(contract_of({"replace": {"charges": [_FEE], "service_credits": "none"}}))


def _late(row: Row) -> MeterShare:
    return MeterShare(late=(LateRows(JANUARY, JANUARY, (row,)),))


def test_a_charge_with_a_fee_for_recalls_prices_two_meters() -> None:
    (fee,) = _contract().charges
    assert meters_of(fee) == {PLACED_CASH, RECALLED}


def test_recalls_that_come_late_are_priced_as_recalls() -> None:
    cash = Row(("R1", "I1", "2026-01-15"), ("200",))
    recall = Row(("I1", "2026-01-10", "2026-01-20"), ("700",))
    shares = {RECALLED: _late(recall), PLACED_CASH: _late(cash)}
    with ledger_of({name: rows_of(table) for name, table in _EVIDENCE.items()}) as ledger:
        late, readings = late_usage(_contract(), ledger, Metering(shares))
        alone, _ = late_usage(_contract(), ledger, Metering({RECALLED: _late(recall)}))
    received = MeteredAmount(Decimal(200), 10)
    recalled = MeteredAmount(Decimal(700), 10, recalled=True)
    assert set(readings) == {(PLACED_CASH, "2026-01"), (RECALLED, "2026-01")}
    assert set(late) == {PLACED_CASH}
    (both,) = late[PLACED_CASH]
    assert both.period == "2026-01"
    assert isinstance(both.quantity, tuple)
    assert sorted(both.quantity, key=lambda one: one.amount) == [received, recalled]
    assert alone == {PLACED_CASH: (LateQuantity("2026-01", (recalled,)),)}
