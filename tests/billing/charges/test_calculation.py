"""What holds for every priced period, and what `price` refuses."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.calculation import price
from billing.charges.lines import round_line
from billing.charges.serialise import line_json
from billing.charges.values import PricedPeriod
from governance.errors import BadInput
from governance.values import round_money
from tests.billing.charges import build

_amounts = st.decimals(min_value=0, max_value=100_000, places=4).map(str)
_days = st.dates(min_value=date(2025, 12, 1), max_value=date(2026, 2, 28)).map(str)
_taxes = st.sampled_from(
    [
        {"category": "standard", "rate": "19"},
        {"category": "standard", "rate": "7.7"},
        {"category": "zero"},
        {"category": "reverse_charge"},
    ]
)


@st.composite
def _charges(draw: st.DrawFn) -> dict[str, Any]:
    terms: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"type": "fixed", "amount": draw(_amounts)},
                {"type": "per_unit", "meter": "m", "pricing": {"scheme": "flat", "price": "0.333"}},
                {"type": "percentage", "meter": "a", "rate": "1.25", "min_per_transaction": "0.3"},
                {"type": "pass_through", "meter": "a", "markup_percent": "3.3"},
                {
                    "type": "banded",
                    "meter": "m",
                    "baseline": "700",
                    "amount": "900.10",
                    "reduced": [{"up_to_percent": "20", "price": "0.777"}],
                },
                {
                    "type": "contingency",
                    "meter": "a",
                    "age_bands": [{"over_days": 0, "rate": "12.5"}],
                    "recall_rate": "1.5",
                },
            ]
        )
    )
    optional = {"minimum": _amounts, "maximum": _amounts, "tax": _taxes, "from": _days}
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    return terms | {key: draw(optional[key]) for key in sorted(chosen)}


@st.composite
def _priced(draw: st.DrawFn) -> PricedPeriod:
    keys: dict[str, Any] = {
        "engagement": {"starts": "2025-01-01"},
        "invoicing": {
            "tax": draw(_taxes),
            "withholding": {"rate": draw(st.sampled_from(["0", "7.5"]))},
        },
    }
    if draw(st.booleans()):
        keys["minimum_commitment"] = {"amount": "5000.00", "per": "month"}
    charges = draw(st.lists(_charges(), max_size=6))
    is_rebated = draw(st.booleans())
    if charges and is_rebated:
        charges.append(_rebate_on(len(charges), retroactive=draw(st.booleans())))
    contract = build.contract(*charges, **keys)
    amount = st.decimals(min_value=-500, max_value=5000, places=2)
    meters = {
        "m": str(draw(st.integers(min_value=0, max_value=2000))),
        "a": _amounts_of(draw(st.lists(amount, max_size=4))),
    }
    late = {
        "m": [{"period": "2025-12", "quantity": str(draw(st.integers(0, 2000)))}],
        "a": [{"period": "2025-11", "quantity": _amounts_of(draw(st.lists(amount, max_size=4)))}],
    }
    credit = draw(st.decimals(min_value=0, max_value=2000, places=2))
    return price(contract, build.usage(meters, service_credit=str(credit), late=late))


def _amounts_of(amounts: list[Decimal]) -> list[dict[str, Any]]:
    return [{"amount": str(one), "age_days": 30} for one in amounts]


def _rebate_on(charges: int, *, retroactive: bool) -> dict[str, Any]:
    return {
        "type": "volume_rebate",
        "of": [f"CH-{position:02}" for position in range(1, charges + 1)],
        "per": "month",
        "retroactive": retroactive,
        "tiers": [{"over": "500.00", "percent": "2.5"}, {"over": "3000.00", "percent": "7.5"}],
    }


@given(_priced())
def test_everything_adds_up_to_the_cent(priced: PricedPeriod) -> None:
    taxes = build.total(tax.amount for tax in priced.taxes)
    assert priced.subtotal == build.total(line.amount for line in priced.lines)
    assert priced.total == priced.subtotal - priced.service_credit + taxes
    assert priced.payable == priced.total - priced.withholding
    figures = [priced.total, priced.payable, *(line.amount for line in priced.lines)]
    assert all(figure == round_money(figure, "EUR") for figure in figures)


@given(_priced())
def test_shares_of_the_service_credit_add_up(priced: PricedPeriod) -> None:
    bases = build.total(tax.base for tax in priced.taxes)
    assert bases == priced.subtotal - priced.service_credit
    assert all(tax.base == round_money(tax.base, "EUR") for tax in priced.taxes)


@given(_priced())
def test_the_steps_of_a_line_add_up_to_it(priced: PricedPeriod) -> None:
    for line in priced.lines:
        assert round_line(build.total(step.amount for step in line.steps), "EUR") == line.amount


@given(_priced())
def test_credit_base_leaves_pass_through_out(priced: PricedPeriod) -> None:
    own = [line.amount for line in priced.lines if not line.pass_through]
    assert priced.credit_base == build.total(own)


@given(_amounts, st.integers(min_value=1, max_value=30))
def test_a_split_month_adds_up_to_the_whole(amount: str, split: int) -> None:
    last = date(2026, 1, split)
    first = {"type": "fixed", "amount": amount, "to": str(last)}
    second = {"type": "fixed", "amount": amount, "from": str(last + timedelta(days=1))}
    priced = price(build.contract(first, second), build.usage())
    whole = round_money(Decimal(amount), "EUR")
    assert abs(priced.subtotal - whole) <= Decimal("0.01")


_FLAT = {"type": "per_unit", "meter": "letters", "pricing": {"scheme": "flat", "price": "1.00"}}
_INDEXED = {"series": "HICP", "base": "100"}
_CONTINGENCY = {"type": "contingency", "meter": "cash", "age_bands": [{"over_days": 0, "rate": 20}]}
_REFUSED = [
    ("no meter", _FLAT, {"leters": "1"}, {}, "charge CH-01 needs the meter letters"),
    ("nearest meter", _FLAT, {"leters": "1"}, {}, "nearest is leters"),
    ("a list for a count", _FLAT, {"letters": []}, {}, "found a list of amounts"),
    ("roles for a count", _FLAT, {"letters": {}}, {}, "found quantities by role"),
    ("a negative count", _FLAT, {"letters": "-1"}, {}, "can't price a negative letters"),
    (
        "roles for amounts",
        {"type": "percentage", "meter": "cash", "rate": 1},
        {"cash": {"x": "1"}},
        {},
        "one amount or a list of amounts",
    ),
    (
        "a number for several roles",
        {"type": "per_fte", "roles": {"a": 1, "b": 2}},
        {"fte": "1"},
        {},
        "a quantity for every role",
    ),
    (
        "a role without quantity",
        {"type": "per_fte", "roles": {"collector": 1}},
        {"fte": {"colector": "1"}},
        {},
        "meters.fte.collector: charge CH-01 needs the fte of the role collector",
    ),
    (
        "a negative role",
        {"type": "per_fte", "roles": {"collector": 1}},
        {"fte": {"collector": "-1"}},
        {},
        "can't price a negative fte",
    ),
    ("no age", _CONTINGENCY, {"cash": "5"}, {}, "meters.cash[0].age_days"),
    ("no index", {**_FLAT, "indexation": _INDEXED}, {"letters": "1"}, {}, "needs the index HICP"),
    (
        "an index that starts too late",
        {**_FLAT, "indexation": _INDEXED},
        {"letters": "1"},
        {"HICP": [{"from": "2026-01-02", "value": "1"}]},
        "needs the index HICP from 2026-01-01 on",
    ),
    (
        "an index on a rate",
        {**_CONTINGENCY, "indexation": _INDEXED},
        {"cash": []},
        {},
        "has no price that an index could move",
    ),
    (
        "an index on milestones",
        {
            "type": "milestones",
            "milestones": [{"id": "M", "due": "2026-01-01", "amount": "1"}],
            "indexation": _INDEXED,
        },
        {},
        {},
        "has no price that an index could move",
    ),
    (
        "a ramp on tiers",
        {
            "type": "per_unit",
            "meter": "letters",
            "pricing": {"scheme": "package", "size": 1, "price": 1},
            "ramp": {"2026-01": "1"},
        },
        {"letters": "1"},
        {},
        (
            "charges.CH-01.ramp: charge CH-01 has no single price that a ramp could replace;"
            " allowed: a ramp on a fixed charge, or on a per_unit charge with a flat price"
        ),
    ),
]


@pytest.mark.parametrize(
    ("charge", "meters", "indices", "message"),
    [case[1:] for case in _REFUSED],
    ids=[case[0] for case in _REFUSED],
)
def test_refuses(
    charge: dict[str, Any], meters: dict[str, Any], indices: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        price(build.contract(charge), build.usage(meters, indices=indices))
    assert message in str(refusal.value)


def test_a_fee_in_months_of_charges_needs_their_mean() -> None:
    charge = {"type": "early_termination", "schedule": [{"until": None, "months_of_charges": 3}]}
    ended = {"ends": "2026-01-31", "termination": {"agreed_end": "2028-12-31"}}
    with pytest.raises(BadInput) as refusal:
        price(build.contract(charge, engagement=ended), build.usage())
    assert str(refusal.value.problems[0]) == (
        "mean_monthly_charges: charge CH-01 is in months of charges, and the usage doesn't give"
        " their mean; allowed: the mean of the last twelve months' charges, or of as many as there"
        " are"
    )


def test_lines_say_what_is_outside_the_base_and_the_effective_minimum() -> None:
    banded = {"type": "banded", "meter": "m", "baseline": 10, "amount": "1000.00"}
    transfer = {"on": "2026-01-15", "fee": "5"}
    contract = build.contract(
        banded, engagement={"model": "build_operate_transfer", "transfer": transfer}
    )
    priced = price(contract, build.usage({"m": "10"}))
    fee, taken_over = (line_json(line, "EUR") for line in priced.lines)
    assert fee["effective_minimum"] == "1000.00"
    assert taken_over["outside_base"] is True
    assert taken_over["clause"] == "not stated"
    assert not {"outside_base", "late"} & set(fee)


def test_names_every_charge_that_lacks_its_meter() -> None:
    other = {"type": "percentage", "meter": "cash", "rate": 1}
    with pytest.raises(BadInput) as refusal:
        price(build.contract(_FLAT, other), build.usage())
    assert [problem.column for problem in refusal.value.problems] == [
        "meters.letters",
        "meters.cash",
    ]
