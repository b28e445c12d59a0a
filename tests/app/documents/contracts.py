"""The contract of the settled period made by hand, and what became of its service levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction

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
