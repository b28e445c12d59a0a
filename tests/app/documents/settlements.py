"""A settled period made by hand: six service levels, a year of history, three charges, a credit."""

from __future__ import annotations

from dataclasses import dataclass
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
from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction
from governance.values import Period
from sla.evidence.values import EvidenceDigest, Finding
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.service_credits.values import LevelCredit, ServiceCredits

HIGHER, LOWER = Direction.HIGHER_IS_BETTER, Direction.LOWER_IS_BETTER


@dataclass(frozen=True, slots=True)
class LevelCase:
    """A service level and its values, oldest first; "-" is a period without data."""

    id: str
    title: str
    kpi: str
    unit: str
    direction: Direction
    expected: str
    minimum: str | None
    written_values: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> tuple[str | None, ...]:
        """One value a period."""
        return tuple(None if each == "-" else each for each in self.written_values.split())


LEVELS = (
    LevelCase(
        "SL-01",
        "Collection effectiveness",
        "collection_effectiveness_index",
        "%",
        HIGHER,
        "85.0",
        "75.0",
        "88.1 87.4 86.9 89.0 86.2 84.1 85.3 87.7 88.2 86.0 83.9 85.1 71.3",
        (("months", "3"), ("divide_sales", "false")),
    ),
    LevelCase(
        "SL-02",
        "Days sales outstanding",
        "dso",
        "days",
        LOWER,
        "45.0",
        "50.0",
        "47.2 46.8 46.1 45.0 44.4 44.0 43.1 43.9 43.0 42.2 42.6 42.0 41.7",
        (("variant", "countback"),),
    ),
    LevelCase(
        "SL-03",
        "Share of receivables over 90 days past due",
        "share_over_90",
        "%",
        LOWER,
        "5.00",
        "8.00",
        "6.10 5.90 5.20 4.80 4.90 4.60 4.20 4.40 4.10 3.90 4.30 4.70 5.60",
    ),
    LevelCase(
        "SL-04",
        "Disputed invoices",
        "dispute_rate",
        "%",
        LOWER,
        "2.0",
        None,
        "1.4 1.6 1.2 1.9 - 1.7 1.1 1.3 1.5 1.8 1.6 1.2 1.4",
        (("weight", "count"),),
    ),
    LevelCase(
        "SL-05",
        "Collected within terms",
        "collected_within_terms",
        "%",
        HIGHER,
        "70.0",
        "60.0",
        "71.2 72.8 70.3 73.9 74.4 72.0 71.8 75.2 74.9 73.3 72.7 74.0 74.6",
        (("weight", "amount"),),
    ),
    LevelCase(
        "SL-06",
        "Average days late",
        "average_days_late",
        "days",
        LOWER,
        "8.0",
        "12.0",
        "9.4 8.8 8.2 7.9 7.4 7.7 7.1 6.8 7.0 6.6 6.9 6.2 6.4",
    ),
)


def fake_digest(name: str) -> str:
    """A digest of that name, for evidence and definitions that don't exist."""
    return sha256(name.encode()).hexdigest()


EVIDENCE = tuple(
    EvidenceDigest(name, fake_digest(name)) for name in ("allocations", "invoices", "receipts")
)


def contract(**changes: Any) -> Contract:
    """The contract; `changes` replace top-level keys of the document."""
    return Contract.model_validate(contract_document() | changes)


def contract_document() -> dict[str, Any]:
    """The contract as its document reads."""
    return {
        "plumbline": 1,
        "engagement": {
            "reference": "ENG-2026-014",
            "title": "Collections and cash application",
            "model": "function_specific",
            "functions": ["collections", "cash_application"],
            "client": {
                "name": "Nordlicht Handel GmbH",
                "country": "DE",
                "vat_id": "DE123456789",
                "street": "Hafenstr. 1",
                "postcode": "20457",
                "city": "Hamburg",
                "email": "ap@nordlicht.example",
            },
            "provider": {
                "name": "Clearwater Receivables Ltd",
                "country": "IE",
                "vat_id": "IE1234567FA",
                "street": "4 Quay St",
                "postcode": "D02 X285",
                "city": "Dublin",
                "email": "billing@clearwater.example",
                "phone": "+353 1 555 0114",
                "registration": "Companies Registration Office, Dublin, 123456",
                "iban": "IE29AIBK93115212345678",
                "bic": "AIBKIE2D",
            },
            "currency": "EUR",
            "time_zone": "Europe/Berlin",
            "starts": "2025-01-01",
            "ends": "2028-12-31",
        },
        "service_levels": [_level_terms(case) for case in LEVELS],
        "service_credits": {
            "method": "at_risk_pool",
            "at_risk_percent": "10",
            "categories": {"collections": "50", "cash": "50"},
            "cap_percent": "10",
        },
        "charges": [
            {
                "id": "CH-01",
                "title": "Service desk and reporting",
                "clause": "Schedule 4, 1.1",
                "type": "fixed",
                "amount": "12000.00",
            },
            {
                "id": "CH-02",
                "title": "Invoices issued",
                "clause": "Schedule 4, 1.2",
                "type": "per_unit",
                "meter": "invoices_issued",
                "pricing": {
                    "scheme": "graduated",
                    "tiers": [
                        {"up_to": "1000", "price": "1.20"},
                        {"up_to": "5000", "price": "0.85"},
                        {"up_to": None, "price": "0.6"},
                    ],
                },
            },
            {
                "id": "CH-03",
                "title": "Collection commission",
                "clause": "Schedule 4, 1.3",
                "type": "percentage",
                "meter": "cash_collected",
                "rate": "0.35",
            },
        ],
        "invoicing": {
            "every": "month",
            "due_days": 30,
            "purchase_order": "PO-4711",
            "number": "CW-{year}-{sequence:05}",
            "tax": {"category": "reverse_charge"},
        },
    }


def _level_terms(case: LevelCase) -> dict[str, Any]:
    terms = {
        "id": case.id,
        "title": case.title,
        "clause": f"Schedule 2, 3.{case.id[-1]}",
        "kpi": case.kpi,
        "parameters": dict(case.parameters),
        "expected": case.expected,
        "round_to": 1,
        "category": "collections",
        "allocation": "20",
    }
    return terms if case.minimum is None else terms | {"minimum": case.minimum}


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
