"""A settled period made by hand: six service levels, a year of history, three charges, a credit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from billing.charges.values import (
    ChargeLine,
    PricedPeriod,
    Step,
    TaxLine,
    TaxTreatment,
    Usage,
)
from billing.settlement.values import InvoiceHeader, MeterReading, Settlement
from governance.contract.charges import TaxCategory
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.service_credits.values import LevelCredit, ServiceCredits
from tests.app.documents.contracts import HIGHER, LEVELS, LevelCase, contract


def fake_digest(name: str) -> str:
    """A digest of that name, for evidence and definitions that don't exist."""
    return sha256(name.encode()).hexdigest()


EVIDENCE = tuple(
    EvidenceDigest(name, fake_digest(name)) for name in ("allocations", "invoices", "receipts")
)


def _status(case: LevelCase, value: Decimal | None) -> Status:
    if value is None:
        return Status.NO_DATA
    sign = 1 if case.direction is HIGHER else -1
    if value * sign >= Decimal(case.expected) * sign:
        return Status.MET
    if case.minimum is not None and value * sign >= Decimal(case.minimum) * sign:
        return Status.BELOW_EXPECTED
    return Status.BELOW_MINIMUM


def measurement(case: LevelCase, text: str | None, window: Period) -> Measurement:
    """The measurement of one service level with that value."""
    value = None if text is None else Decimal(text)
    return Measurement(
        service_level=case.id,
        kpi=case.kpi,
        parameters=dict(case.parameters),
        window=window,
        unit=case.unit,
        direction=case.direction,
        unrounded=None if value is None else value + Decimal("0.012345"),
        value=value,
        expected=Decimal(case.expected),
        minimum=None if case.minimum is None else Decimal(case.minimum),
        status=_status(case, value),
        consequential=True,
        numerator=None if value is None else value * 4321,
        denominator=None if value is None else Decimal("432100.00"),
        rows=0 if value is None else 4120,
        evidence=EVIDENCE,
        definition_sha256=fake_digest(case.kpi),
    )


def _measured(at: int, period: Period, warnings: tuple[Finding, ...] = ()) -> MeasuredPeriod:
    results = tuple(measurement(case, case.values[at], period) for case in LEVELS)
    return MeasuredPeriod(period, "EUR", results, warnings)


def _periods() -> list[Period]:
    periods = [Period.month(2026, 5)]
    while len(periods) < 13:
        periods.insert(0, periods[0].previous())
    return periods


REVERSE = TaxTreatment(TaxCategory.REVERSE_CHARGE, Decimal(0))


def charge_lines() -> tuple[ChargeLine, ...]:
    """Three charges with their arithmetic."""
    return (
        ChargeLine(
            "CH-01",
            "Service desk and reporting",
            "Schedule 4, 1.1",
            Decimal(1),
            "month",
            Decimal("12000.00"),
            (Step(Decimal(1), Decimal("12000.00"), Decimal("12000.00")),),
            REVERSE,
        ),
        ChargeLine(
            "CH-02",
            "Invoices issued",
            "Schedule 4, 1.2",
            Decimal(6240),
            "invoices_issued",
            Decimal("5344.00"),
            (
                Step(Decimal(1000), Decimal("1.20"), Decimal("1200.00"), "units up to 1000"),
                Step(Decimal(4000), Decimal("0.85"), Decimal("3400.00"), "units up to 5000"),
                Step(Decimal(1240), Decimal("0.6"), Decimal("744.00"), "units above 5000"),
            ),
            REVERSE,
            meter="invoices_issued",
        ),
        ChargeLine(
            "CH-03",
            "Collection commission",
            "Schedule 4, 1.3",
            Decimal("1846240.17"),
            "cash_collected",
            Decimal("6461.84"),
            (
                Step(
                    Decimal("1846240.17"),
                    Decimal("0.0035"),
                    Decimal("6461.84"),
                    "0.35 % of cash collected",
                ),
            ),
            REVERSE,
            meter="cash_collected",
        ),
    )


def service_credits(period: Period) -> ServiceCredits:
    """One service level below its minimum, worth 2,380.58."""
    credit = Decimal("2380.58")
    levels = tuple(
        LevelCredit(
            id=case.id,
            value=None if case.values[-1] is None else Decimal(case.values[-1]),
            status=_status(case, None if case.values[-1] is None else Decimal(case.values[-1])),
            credit=credit if case.id == "SL-01" else Decimal(0),
            before_cap=credit if case.id == "SL-01" else Decimal(0),
            why=(
                "Schedule 2, 3.1: 71.3 is below the minimum 75.0;"
                " 23,805.84 × 10% × 100% × 100% = 2,380.58"
                if case.id == "SL-01"
                else f"Schedule 2, 3.{case.id[-1]}: no credit"
            ),
        )
        for case in LEVELS
    )
    return ServiceCredits(
        period=period,
        currency="EUR",
        base=Decimal("23805.84"),
        cap=Decimal("2380.58"),
        service_levels=levels,
        before_cap=credit,
        credit=credit,
        earned_back=Decimal(0),
        net=credit,
    )


def priced(period: Period, **changes: Any) -> PricedPeriod:
    """Three lines, the credit, reverse charge."""
    values: dict[str, Any] = {
        "period": period,
        "currency": "EUR",
        "lines": charge_lines(),
        "subtotal": Decimal("23805.84"),
        "credit_base": Decimal("23805.84"),
        "service_credit": Decimal("2380.58"),
        "taxes": (
            TaxLine(TaxCategory.REVERSE_CHARGE, Decimal(0), Decimal("21425.26"), Decimal("0.00")),
        ),
        "withholding": Decimal("0.00"),
        "total": Decimal("21425.26"),
        "payable": Decimal("21425.26"),
    }
    return PricedPeriod(**(values | changes))


WARNINGS = (
    Finding(
        "volume_out_of_line",
        "12 Apr 2026 to 18 Apr 2026 holds 61% fewer invoices than any other week",
        "invoices",
    ),
    Finding("many_names", "Customer C-0119 appears under 3 names", "customers"),
)


def settlement(**changes: Any) -> Settlement:
    """May 2026, settled; `changes` replace fields of the settlement."""
    periods = _periods()
    last = len(periods) - 1
    credit = service_credits(periods[-1])
    values: dict[str, Any] = {
        "contract": contract(),
        "contract_sha256": fake_digest("contract"),
        "period": periods[-1],
        "measured": _measured(last, periods[-1], WARNINGS),
        "history": tuple(_measured(at, each) for at, each in enumerate(periods[:-1])),
        "credits": credit,
        "credit_history": (),
        "settled_credits": (credit,),
        "usage": Usage(periods[-1], service_credit=credit.net),
        "readings": {
            "invoices_issued": MeterReading(
                "invoices_issued", 6240, EVIDENCE[1:2], fake_digest("invoices_issued")
            ),
            "cash_collected": MeterReading(
                "cash_collected", 5811, EVIDENCE[:2], fake_digest("cash_collected")
            ),
        },
        "priced": priced(periods[-1]),
    }
    return Settlement(**(values | changes))


def header(**changes: Any) -> InvoiceHeader:
    """The invoice's number and dates."""
    issued = date(2026, 6, 2)
    values: dict[str, Any] = {
        "number": "CW-2026-00005",
        "issued_on": issued,
        "due_on": issued + timedelta(days=30),
        "purchase_order": "PO-4711",
    }
    return InvoiceHeader(**(values | changes))
