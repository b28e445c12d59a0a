"""Service credits as people read them on the engagement's page."""

from __future__ import annotations

from typing import Any

import pytest

from app.web.credit_terms import credit_rules
from governance.contract.document import Contract

SPACE = "\N{NO-BREAK SPACE}"
PARTY = {"name": "A", "country": "DE"}


def _credits(levels: list[dict[str, Any]] | None = None, **terms: Any) -> list[str]:
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
        "service_levels": levels or [],
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


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (
            {"method": "bonus_malus", "annual_bonus_cap_percent": 5},
            "Bonuses are never more than 5% of the last 12 months' base.",
        ),
        (
            {"persistent_failure": [{"count": 3, "within_months": 6, "percent": 2}]},
            "Every 3 misses within 6 months cost 2% of the last 12 months' base on top.",
        ),
        (
            {
                "persistent_failure": [
                    {"count": 2, "within_months": 6, "percent": 2, "service_levels": ["SL-01"]}
                ]
            },
            "Every 2 misses of SL-01 within 6 months cost 2% of the last 12 months' base on top.",
        ),
        (
            {
                "milestones": [
                    {
                        "id": "M-1",
                        "title": "Migration",
                        "due": "2026-02-01",
                        "amount": 100,
                        "per_day": 5,
                        "maximum": 150,
                    }
                ]
            },
            "Migration after 1 Feb 2026 costs EUR 100.00 and EUR 5.00 a day, at most EUR 150.00.",
        ),
        (
            {"earn_back": {"form": "balance", "percent": 50, "lapse_months": 6}},
            (
                "A result better than expected adds 50% of the last credited miss to a balance,"
                " which later credits are set off against; it lapses after 6 months."
            ),
        ),
        (
            {"earn_back": {"form": "yearly_average"}},
            "100% is earned back once the level was met on the yearly average for 12 months.",
        ),
        (
            {"incidents": "chosen"},
            "Of several misses of one incident counts the one that the client chooses.",
        ),
    ],
)
def test_each_mechanism_reads_as_a_sentence(terms: dict[str, Any], words: str) -> None:
    assert words in _credits(**{"method": "tiers"} | terms)


def test_promises_that_rise_are_named_without_credits_too() -> None:
    level = {"id": "SL-01", "title": "Quality", "kpi": "observed", "expected": 90}
    ratchet = {"form": "halfway_to_average", "max_points": 2}
    assert _credits(levels=[level, level | {"id": "SL-02", "ratchet": ratchet}]) == [
        (
            "The expected Quality moves 50% of the way to the average of the 12 months before on"
            " each anniversary of the start, at most 2 points."
        )
    ]
    gap = level | {"ratchet": {"form": "gap_to_100"}}
    assert _credits(levels=[gap]) == [
        (
            "The expected Quality moves 50% of the way to the best there can be on each"
            " anniversary of the start."
        )
    ]
