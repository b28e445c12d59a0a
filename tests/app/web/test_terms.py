"""Charges and service credits in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from app.web.terms import charge_rule
from governance.contract.charges import Charge

SPACE = "\u00a0"
METERED = {"meter": "invoices_issued"}
TIERS = [{"up_to": "100", "price": "1.00"}, {"up_to": None, "price": "0.505", "flat": "9"}]


def _rule(**charge: Any) -> list[str]:
    whole = {"id": "CH-01", "title": "Fee"} | charge
    rules = charge_rule(TypeAdapter(Charge).validate_python(whole), "EUR")
    return [rule.replace(SPACE, " ") for rule in rules]


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        ({"type": "fixed", "amount": "1500"}, "EUR 1,500.00 a month."),
        ({"type": "fixed", "amount": "9", "per": "once"}, "EUR 9.00 once."),
        (
            {"type": "per_unit", "pricing": {"scheme": "flat", "price": "2"}},
            "Counts invoices issued: EUR 2.00 each.",
        ),
        (
            {"type": "per_unit", "pricing": {"scheme": "package", "size": "100", "price": "5"}},
            "Counts invoices issued: EUR 5.00 for every started 100.",
        ),
        (
            {
                "type": "per_unit",
                "pricing": {"scheme": "graduated", "tiers": TIERS, "free_units": "10"},
            },
            (
                "Counts invoices issued: up to 100 EUR 1.00, beyond EUR 0.505 plus EUR 9.00 once;"
                " every tier at its own price. The first 10 are free."
            ),
        ),
        (
            {"type": "per_unit", "pricing": {"scheme": "volume", "tiers": TIERS}},
            (
                "Counts invoices issued: up to 100 EUR 1.00, beyond EUR 0.505 plus EUR 9.00 once;"
                " all units at the price of the tier reached."
            ),
        ),
        (
            {"type": "percentage", "rate": "2.5", "fixed_per_transaction": "0.10"},
            "2.5% of invoices issued plus EUR 0.10 a transaction.",
        ),
        (
            {"type": "contingency", "age_bands": [{"over_days": 0, "rate": "20"}]},
            "Share of invoices issued by age at placement: 20% from the start.",
        ),
        (
            {"type": "per_fte", "roles": {"team_lead": "4100"}},
            "A month for every full-time equivalent: team lead EUR 4,100.00.",
        ),
        (
            {"type": "banded", "baseline": "1000", "amount": "50000", "deadband_percent": "10"},
            "EUR 50,000.00 for 1,000 invoices issued, unchanged within 10% of it.",
        ),
        (
            {"type": "pass_through", "markup_percent": "3"},
            "Invoices issued at cost plus 3%, outside the credit base.",
        ),
        (
            {"type": "gain_share", "baseline": "500", "share_percent": "25"},
            "25% of what invoices issued gains over 500.",
        ),
        (
            {
                "type": "contingency",
                "age_bands": [{"over_days": 30, "rate": "20"}],
                "age_at": "receipt",
                "recall_rate": "5",
            },
            "Share of invoices issued by age at receipt: 20% over 30 days. Recalled unpaid: 5%.",
        ),
    ],
)
def test_a_charge_reads_as_a_sentence(charge: dict[str, Any], words: str) -> None:
    metered = {} if charge["type"] == "fixed" else METERED
    assert _rule(**metered, **charge) == [words]


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        (
            {
                "type": "volume_rebate",
                "of": ["CH-01", "CH-02"],
                "tiers": [{"over": "1000", "percent": "2"}, {"over": "5000", "percent": "3"}],
            },
            (
                "Off CH-01, CH-02, added up over the year: 2% over EUR 1,000.00,"
                " 3% over EUR 5,000.00, of what is over."
            ),
        ),
        (
            {
                "type": "volume_rebate",
                "of": ["CH-01"],
                "per": "quarter",
                "tiers": [{"over": "0", "percent": "2"}],
                "retroactive": True,
            },
            "Off CH-01, added up over the quarter: 2% over EUR 0.00, of all of it.",
        ),
        (
            {
                "type": "milestones",
                "milestones": [
                    {"id": "M-1", "title": "Go-live", "due": "2026-02-01", "amount": "5"}
                ],
            },
            "Each once, when it is accepted: Go-live EUR 5.00 (due 1 Feb 2026).",
        ),
        (
            {
                "type": "early_termination",
                "schedule": [
                    {"until": "2026-12-31", "amount": "90000"},
                    {"until": None, "months_of_charges": "1.5"},
                ],
            },
            (
                "For ending early for convenience: EUR 90,000.00 until 31 Dec 2026,"
                " 1.5 average months of charges later."
            ),
        ),
    ],
)
def test_a_charge_without_a_meter_reads_as_a_sentence(charge: dict[str, Any], words: str) -> None:
    assert _rule(**charge) == [words]


def test_conditions_follow_the_rule() -> None:
    rules = _rule(
        type="fixed",
        amount="10",
        minimum="5",
        maximum="20",
        **{"from": "2026-02-01", "to": "2026-12-31"},
        indexation={"series": "HICP-EU", "base": "110.0"},
        ramp={"2026-03": "7"},
    )
    assert rules[1:] == [
        "At least EUR 5.00 a period.",
        "At most EUR 20.00 a period.",
        "From 1 Feb 2026.",
        "Until 31 Dec 2026.",
        "Prices follow HICP-EU, base 110.",
        "Other values in 2026-03.",
    ]
