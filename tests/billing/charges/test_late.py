"""What is billed late costs what it would have cost with the period's own quantity."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.calculation import price
from billing.charges.serialise import line_json
from governance.contract.document import Contract
from governance.errors import BadInput
from tests.billing.charges import build

_CONTINGENCY = {
    "type": "contingency",
    "meter": "m",
    "age_bands": [{"over_days": 0, "rate": "20"}, {"over_days": 90, "rate": "35"}],
    "recall_rate": "5",
}
_TIERS = [
    {"up_to": 100, "price": "1.00", "flat": "3.00"},
    {"up_to": 250, "price": "0.50", "flat": "2.00"},
    {"up_to": None, "price": "0.25", "flat": "1.00"},
]
_COUNTED: list[dict[str, Any]] = [
    {"type": "per_unit", "meter": "m", "pricing": pricing}
    for pricing in (
        {"scheme": "flat", "price": "0.35", "free_units": 60},
        {"scheme": "graduated", "tiers": _TIERS, "free_units": 40},
        {"scheme": "package", "size": 30, "price": "2.00", "free_units": 10},
    )
]
_COUNTED += [
    {
        "type": "banded",
        "meter": "m",
        "baseline": 200,
        "amount": "500.00",
        "deadband_percent": 10,
        "counted_from": counted_from,
        "additional": [{"up_to_percent": 30, "price": "2"}, {"up_to_percent": 50, "price": "1"}],
        "reduced": [{"up_to_percent": 40, "price": "3"}],
    }
    for counted_from in ("edge", "baseline")
]
_COUNTED.append({"type": "gain_share", "meter": "m", "baseline": "150", "share_percent": "50"})
_LIMITS: list[dict[str, Any]] = [{}, {"minimum": "120.00"}, {"maximum": "90.00"}]
_RATED: list[dict[str, Any]] = [
    {
        "type": "percentage",
        "meter": "m",
        "tiers": [{"up_to": 300, "rate": "5", "flat": "1"}, {"up_to": None, "rate": "2"}],
        "fixed_per_transaction": "0.20",
        "free_amount": "120",
        "min_per_transaction": "0.50",
        "max_per_transaction": "4.00",
    },
    {"type": "percentage", "meter": "m", "rate": "3", "free_transactions": 3},
    {"type": "pass_through", "meter": "m", "markup_percent": "5"},
    _CONTINGENCY,
]
_transactions = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.decimals(min_value=-100, max_value=300, places=2).map(str),
            "age_days": st.integers(min_value=-5, max_value=200),
            "recalled": st.booleans(),
        }
    ),
    max_size=4,
)


def _contract(charge: dict[str, Any]) -> Contract:
    """One charge that has run since before the periods that quantities are late from."""
    return build.contract(charge, engagement={"starts": "2025-01-01"})


def _late(*quantities: Any) -> dict[str, Any]:
    return {
        "m": [
            {"period": f"2025-{number:02}", "quantity": quantity}
            for number, quantity in enumerate(quantities, 1)
        ]
    }


@given(
    st.sampled_from(_COUNTED),
    st.sampled_from(_LIMITS),
    st.lists(st.integers(min_value=0, max_value=300), min_size=1, max_size=3),
)
def test_units_billed_late_cost_the_same(
    charge: dict[str, Any], limits: dict[str, Any], counts: list[int]
) -> None:
    contract = _contract(charge | limits)
    together = price(contract, build.usage({"m": str(sum(counts))}))
    own, *later = (str(count) for count in counts)
    apart = price(contract, build.usage({"m": own}, late=_late(*later)))
    cent_a_line = Decimal("0.01") * len(counts)
    assert abs(apart.subtotal - together.subtotal) <= cent_a_line


@given(st.sampled_from(_RATED), _transactions, _transactions)
def test_transactions_billed_late_cost_the_same(
    charge: dict[str, Any], own: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    contract = _contract(charge)
    together = price(contract, build.usage({"m": own + later}))
    apart = price(contract, build.usage({"m": own}, late=_late(later)))
    # What reversals lead back below is a flat fee's tier, which stays entered once it is billed.
    flat = Decimal(1) if any(one["amount"].startswith("-") for one in later) else Decimal(0)
    assert abs(apart.subtotal - together.subtotal) <= Decimal("0.02") + flat


@given(st.integers(min_value=0, max_value=300), st.integers(min_value=0, max_value=300))
def test_late_units_never_change_what_the_period_itself_costs(own: int, late: int) -> None:
    pricing = {"scheme": "volume", "tiers": _TIERS}
    contract = _contract({"type": "per_unit", "meter": "m", "pricing": pricing})
    alone = price(contract, build.usage({"m": str(own)}))
    both = price(contract, build.usage({"m": str(own)}, late=_late(str(late))))
    assert both.lines[0] == alone.lines[0]
    assert both.lines[1].amount >= 0


def test_a_late_line_says_its_period() -> None:
    contract = _contract(_COUNTED[0])
    own, late = price(contract, build.usage({"m": "100"}, late=_late("7"))).lines
    assert line_json(late, "EUR")["late"] == "2025-01"
    assert "late" not in line_json(own, "EUR")
    assert (late.meter, late.title) == ("m", "Fee – late from 2025-01")


@pytest.mark.parametrize(
    ("charge", "own", "late", "message"),
    [
        (_COUNTED[0], "1", [], "late.m[0].quantity: charge CH-01 can't price the meter m"),
        (_COUNTED[0], "1", "-1", "late.m[0].quantity: charge CH-01 can't price a negative m"),
        (_CONTINGENCY, [], [{"amount": "5"}], "late.m[0].quantity[0].age_days: charge CH-01 needs"),
        (
            {"type": "per_fte", "meter": "m", "roles": {"a": "1", "b": "1"}},
            {"a": "1", "b": "1"},
            "1",
            "late.m[0].quantity: charge CH-01 can't price the meter m",
        ),
    ],
)
def test_a_late_quantity_that_cannot_be_priced_is_named(
    charge: dict[str, Any], own: Any, late: Any, message: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        price(_contract(charge), build.usage({"m": own}, late=_late(late)))
    assert str(refusal.value.problems[0]).startswith(message)
