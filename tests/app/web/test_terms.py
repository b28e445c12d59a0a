"""Charges and service credits in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from app.web.terms import charge_rule, credit_rules
from governance.contract.charges import Charge
from governance.contract.document import Contract

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
    ],
)
def test_a_charge_reads_as_a_sentence(charge: dict[str, Any], words: str) -> None:
    metered = {} if charge["type"] == "fixed" else METERED
    assert _rule(**metered, **charge) == [words]


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


PARTY = {"name": "A", "country": "DE"}


def _credits(**terms: Any) -> list[str]:
    document = {
        "plumbline": 1,
        "engagement": {
            "reference": "E",
            "title": "T",
            "model": "full",
            "client": PARTY,
            "provider": PARTY,
            "currency": "EUR",
            "starts": "2026-01-01",
        },
        "service_credits": terms or None,
    }
    rules = credit_rules(Contract.model_validate(document))
    return [rule.replace(SPACE, " ") for rule in rules]


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"method": "tiers"}, "The worst tier that a service level falls into sets its credit."),
        ({"method": "linear"}, "Every point missed costs a percentage of the base."),
        ({"method": "per_event", "amount": "250"}, "Every miss costs EUR 250.00."),
        ({"method": "per_event"}, "Every miss costs a fixed amount."),
        (
            {"method": "interpolated"},
            "The credit grows in proportion from the expected level to the minimum.",
        ),
        (
            {"method": "service_points", "point_percent": "1", "repeat_multiplier": "2"},
            "A repeated miss scores 2 times the points.",
        ),
    ],
)
def test_each_method_reads_as_a_sentence(terms: dict[str, Any], words: str) -> None:
    assert words in _credits(**terms)


def test_the_pool_names_its_shares_and_limits() -> None:
    rules = _credits(
        method="at_risk_pool",
        at_risk_percent="10",
        categories={"cash": "60"},
        below_expected={"count": 4, "within_months": 12},
        repeat={"consecutive": 2, "multiplier": "1.5"},
        earn_back={"form": "met", "months": 6, "percent": "50"},
        cap_percent="15",
        annual_cap_percent="12",
        settle="next_invoice",
        claim_within_days=60,
    )
    assert rules == [
        "10% of the base is at risk each period.",
        "Shares of the pool: cash 60%.",
        "A value below the minimum counts at once.",
        "A value below the expected level counts when it happens 4 times within 12 months.",
        "From miss 2 in a row the credit is multiplied by 1.5.",
        "50% is earned back once the level was met for 6 months.",
        "Never more than 15% of the period's base.",
        "Never more than 12% of the last 12 months' base.",
        "Credits come off the next period's invoice.",
        "They lapse unless claimed within 60 days.",
    ]


def test_no_terms_say_nothing() -> None:
    assert _credits() == []
