"""The same figures by pandas, written apart from the KPI files as a reference.

Amounts are whole cents, so that pandas is exact too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pandas as pd

from governance.values import Period
from sla.evidence.values import EvidenceFile

Frames = dict[str, Any]

_NEEDED = frozenset({"invoices", "allocations", "adjustments", "disputes"})


def load_frames(files: Sequence[EvidenceFile]) -> Frames:
    """The datasets that figures need, with amounts in cents and dates as timestamps."""
    query = "SELECT * REPLACE (CAST(amount * 100 AS BIGINT) AS amount) FROM '{}'"
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        return {
            file.dataset: connection.execute(query.format(file.path)).df()
            for file in files
            if file.dataset in _NEEDED
        }


def _settled(frames: Frames, kinds: Sequence[str]) -> Any:
    adjustments = frames["adjustments"]
    adjustments = adjustments[adjustments["kind"].isin(kinds)]
    return pd.concat(
        [
            frames["allocations"][["invoice_id", "amount", "applied_on"]].rename(
                columns={"applied_on": "day"}
            ),
            adjustments[["invoice_id", "amount", "effective_on"]].rename(
                columns={"effective_on": "day"}
            ),
        ]
    )


def _open(frames: Frames, day: date) -> Any:
    moment = pd.Timestamp(day)
    invoices = frames["invoices"]
    invoices = invoices[invoices["issue_date"] <= moment]
    settled = _settled(frames, ["write_off", "credit_note", "discount"])
    settled = settled[settled["day"] <= moment].groupby("invoice_id")["amount"].sum()
    taken = invoices["invoice_id"].map(settled).fillna(0)
    return invoices.assign(open_amount=(invoices["amount"] - taken).clip(lower=0).astype("int64"))


def _receivable(frames: Frames, period: Period) -> tuple[int, int, int]:
    items, end = _open(frames, period.end), pd.Timestamp(period.end)
    late = (end - items["due_date"]).dt.days
    amounts = items["open_amount"]
    return int(amounts.sum()), int(amounts[late <= 0].sum()), int(amounts[late > 90].sum())


def _within(frame: Any, column: str, period: Period) -> Any:
    days = frame[column]
    return frame[(days >= pd.Timestamp(period.start)) & (days <= pd.Timestamp(period.end))]


def _sales(frames: Frames, period: Period) -> int:
    return int(_within(frames["invoices"], "issue_date", period)["amount"].sum())


def _dso(frames: Frames, period: Period) -> Fraction:
    return Fraction(_receivable(frames, period)[0] * period.days, _sales(frames, period))


def _best_possible_dso(frames: Frames, period: Period) -> Fraction:
    return Fraction(_receivable(frames, period)[1] * period.days, _sales(frames, period))


def _days_delinquent(frames: Frames, period: Period) -> Fraction:
    total, current, _ = _receivable(frames, period)
    return Fraction((total - current) * period.days, _sales(frames, period))


def _cei(frames: Frames, period: Period) -> Fraction:
    total, current, _ = _receivable(frames, period)
    opening = int(_open(frames, period.previous().end)["open_amount"].sum())
    due = opening + _sales(frames, period)
    return Fraction((due - total) * 100, due - current)


def _share_past_due(frames: Frames, period: Period) -> Fraction:
    total, current, _ = _receivable(frames, period)
    return Fraction((total - current) * 100, total)


def _share_over_90(frames: Frames, period: Period) -> Fraction:
    total, _, over_90 = _receivable(frames, period)
    return Fraction(over_90 * 100, total)


def _cash(frames: Frames, period: Period) -> Fraction:
    return Fraction(int(_within(frames["allocations"], "applied_on", period)["amount"].sum()), 100)


def _within_terms(frames: Frames, period: Period) -> Fraction:
    due = _within(frames["invoices"], "due_date", period)
    paid = _settled(frames, ["credit_note", "discount"]).merge(
        due[["invoice_id", "due_date"]], on="invoice_id"
    )
    in_time = paid[paid["day"] <= paid["due_date"]].groupby("invoice_id")["amount"].sum()
    good = due["invoice_id"].map(in_time).fillna(0) >= due["amount"]
    return Fraction(int(due["amount"][good].sum()) * 100, int(due["amount"].sum()))


def _days_late(frames: Frames, period: Period) -> Fraction:
    paid = _settled(frames, ["credit_note", "discount"]).groupby("invoice_id")
    sums = pd.DataFrame({"paid": paid["amount"].sum(), "last_day": paid["day"].max()})
    items = frames["invoices"].join(sums, on="invoice_id", how="inner")
    items = _within(items[items["paid"] >= items["amount"]], "last_day", period)
    days = (items["last_day"] - items["due_date"]).dt.days.clip(lower=0)
    return Fraction(int((days * items["amount"]).sum()), int(items["amount"].sum()))


def _bad_debt(frames: Frames, period: Period) -> Fraction:
    written_off = _within(frames["adjustments"], "effective_on", period)
    written_off = written_off[written_off["kind"] == "write_off"]
    return Fraction(int(written_off["amount"].sum()) * 100, _sales(frames, period))


def _dispute_rate(frames: Frames, period: Period) -> Fraction:
    issued = _within(frames["invoices"], "issue_date", period)
    disputed = issued["invoice_id"].isin(frames["disputes"]["invoice_id"])
    return Fraction(int(issued["amount"][disputed].sum()) * 100, int(issued["amount"].sum()))


FIGURES: dict[str, Callable[[Frames, Period], Fraction]] = {
    "dso": _dso,
    "best_possible_dso": _best_possible_dso,
    "average_days_delinquent": _days_delinquent,
    "collection_effectiveness_index": _cei,
    "share_past_due": _share_past_due,
    "share_over_90": _share_over_90,
    "cash_collected": _cash,
    "collected_within_terms": _within_terms,
    "average_days_late": _days_late,
    "bad_debt_ratio": _bad_debt,
    "dispute_rate": _dispute_rate,
}


def figure(frames: Frames, kpi: str, period: Period) -> Decimal:
    """The KPI's value by pandas."""
    value = FIGURES[kpi](frames, period)
    return Decimal(value.numerator) / Decimal(value.denominator)
