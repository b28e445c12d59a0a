"""What holds for every charge and every invoice, whatever the figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.calculation import price
from billing.charges.serialise import priced_period_json
from billing.charges.usage import read_usage
from governance.contract.document import Contract
from tests.worked import as_json, contract_of

_DECIMALS = {"EUR": 2, "USD": 2, "HUF": 2, "JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3}
_AGES = ["-5", "0", "1", "90", "91", "365", "366"]
_TIERS: list[dict[str, Any]] = [
    {"up_to": "100", "price": "1.25", "flat": "3.10"},
    {"up_to": "250.5", "price": "0.75"},
    {"up_to": None, "price": "0.15", "flat": "7"},
]
_BANDS = [
    {"over_days": "0", "rate": "20"},
    {"over_days": "90", "rate": "35"},
    {"over_days": "365", "rate": "50"},
]
_ROWS = st.lists(
    st.tuples(st.integers(-2000, 5000), st.sampled_from(_AGES), st.integers(1, 4)), max_size=8
)
_PER_ROW: dict[str, dict[str, Any]] = {
    "contingency": {"type": "contingency", "age_bands": _BANDS, "recall_rate": "7.5"},
    "pass_through": {"type": "pass_through", "markup_percent": "5"},
    "percentage": {
        "type": "percentage",
        "rate": "2",
        "fixed_per_transaction": "0.30",
        "min_per_transaction": "0.75",
        "max_per_transaction": "40",
    },
}
"""Charges of a transaction each, where none depends on those before it."""


def _answer(contract: Contract, meters: dict[str, Any], **keys: Any) -> dict[str, Any]:
    usage = as_json({"period": "2026-01", "meters": meters, **keys})
    return priced_period_json(price(contract, read_usage(usage, "usage.json")))


def _subtotal(contract: Contract, meters: dict[str, Any], **keys: Any) -> Decimal:
    return Decimal(_answer(contract, meters, **keys)["subtotal"])


def _amounts(rows: list[tuple[int, str, int]]) -> list[dict[str, str]]:
    return [{"amount": f"{amount}.00", "age_days": age, "count": f"{n}"} for amount, age, n in rows]


# ---- splitting usage ------------------------------------------------------------------------


@pytest.mark.parametrize("name", _PER_ROW)
@given(rows=_ROWS, at=st.integers(0, 8))
def test_transactions_in_two_calls_cost_what_they_cost_in_one(
    name: str, rows: list[tuple[int, str, int]], at: int
) -> None:
    contract = contract_of(charges=[{**_PER_ROW[name], "meter": "cash"}])
    parts = [_subtotal(contract, {"cash": _amounts(part)}) for part in (rows[:at], rows[at:])]
    assert sum(parts) == _subtotal(contract, {"cash": _amounts(rows)})


_ALLOWANCES = st.fixed_dictionaries(
    {
        "rate": st.just("3"),
        "fixed_per_transaction": st.sampled_from(["0", "0.25"]),
        "free_transactions": st.integers(0, 5).map(str),
        "free_amount": st.integers(0, 6000).map(str),
    }
)


@given(rows=_ROWS, allowances=_ALLOWANCES)
def test_a_row_that_stands_for_many_is_priced_as_many(
    rows: list[tuple[int, str, int]], allowances: dict[str, str]
) -> None:
    charge = {"type": "percentage", "meter": "cash", **allowances}
    contract = contract_of(charges=[charge])
    one_by_one = [(amount, age, 1) for amount, age, count in rows for _ in range(count)]
    found = [_subtotal(contract, {"cash": _amounts(each)}) for each in (rows, one_by_one)]
    assert found[0] == found[1]


def _after(tiers: list[dict[str, Any]], used: Decimal) -> list[dict[str, Any]]:
    """The tiers as the second call meets them: what is used of a bound is gone."""
    left = []
    for tier in tiers:
        bound = None if tier["up_to"] is None else Decimal(tier["up_to"]) - used
        if bound is None or bound > 0:
            left.append({"up_to": None if bound is None else str(bound), "price": tier["price"]})
    return left


@given(first=st.integers(0, 60000), second=st.integers(0, 60000))
def test_a_second_call_goes_on_in_the_tier_where_the_first_one_stopped(
    first: int, second: int
) -> None:
    used, more = Decimal(first) / 100, Decimal(second) / 100
    without_flats = [{"up_to": tier["up_to"], "price": tier["price"]} for tier in _TIERS]
    parts = [
        _units(without_flats, used),
        _units(_after(without_flats, used), more),
    ]
    assert sum(parts) == _units(without_flats, used + more)


def _units(tiers: list[dict[str, Any]], quantity: Decimal) -> Decimal:
    """Graduated, in a currency with enough decimals that no part is rounded."""
    pricing = {"scheme": "graduated", "tiers": tiers}
    charge = {"type": "per_unit", "meter": "units", "pricing": pricing}
    contract = contract_of(charges=[charge], engagement={"currency": "CLF"})
    return _subtotal(contract, {"units": str(quantity)})


@given(quantity=st.integers(0, 60000))
def test_graduated_prices_by_a_reference_in_fractions(quantity: int) -> None:
    units = Fraction(quantity, 100)
    owed, below = Fraction(0), Fraction(0)
    for position, tier in enumerate(_TIERS):
        if position and units <= below:
            break
        bound = units if tier["up_to"] is None else min(units, Fraction(str(tier["up_to"])))
        owed += (bound - below) * Fraction(str(tier["price"])) + Fraction(tier.get("flat") or "0")
        below = bound if tier["up_to"] is None else Fraction(str(tier["up_to"]))
    pricing = {"scheme": "graduated", "tiers": _TIERS}
    contract = contract_of(charges=[{"type": "per_unit", "meter": "units", "pricing": pricing}])
    assert _subtotal(contract, {"units": str(Decimal(quantity) / 100)}) == _rounded(owed, 2)


def _rounded(value: Fraction, places: int) -> Decimal:
    exact = Decimal(value.numerator * 10**40 // value.denominator).scaleb(-40)
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


# ---- bounds of a charge ---------------------------------------------------------------------

_SCHEMES: list[dict[str, Any]] = [
    {"scheme": "flat", "price": "0.37", "free_units": "12"},
    {"scheme": "graduated", "tiers": _TIERS, "free_units": "20"},
    {"scheme": "package", "size": "7", "price": "4.99", "free_units": "3"},
]


@pytest.mark.parametrize("pricing", _SCHEMES, ids=lambda pricing: pricing["scheme"])
@given(units=st.lists(st.integers(0, 50000), min_size=2, max_size=4))
def test_more_units_never_cost_less(pricing: dict[str, Any], units: list[int]) -> None:
    contract = contract_of(charges=[{"type": "per_unit", "meter": "units", "pricing": pricing}])
    costs = [_subtotal(contract, {"units": str(Decimal(n) / 100)}) for n in sorted(units)]
    assert costs == sorted(costs)


@given(
    units=st.integers(0, 5000),
    bounds=st.tuples(st.integers(0, 3000), st.integers(0, 3000)),
    first=st.integers(1, 31),
)
def test_a_charge_keeps_its_prorated_bounds(
    units: int, bounds: tuple[int, int], first: int
) -> None:
    charge = {
        "type": "per_unit",
        "meter": "units",
        "pricing": {"scheme": "flat", "price": "1"},
        "minimum": str(min(bounds)),
        "maximum": str(max(bounds)),
        "from": f"2026-01-{first:02}",
    }
    days = Fraction(32 - first, 31)
    least, most = (_rounded(bound * days, 2) for bound in sorted(bounds))
    charged = _subtotal(contract_of(charges=[charge]), {"units": str(units)})
    assert charged == max(least, min(most, Decimal(units)))


@given(
    amount=st.integers(0, 10**7),
    currency=st.sampled_from(sorted(_DECIMALS)),
    day=st.integers(2, 29),
)
def test_the_two_parts_of_a_month_are_the_whole_but_for_rounding(
    amount: int, currency: str, day: int
) -> None:
    exact = str(Decimal(amount).scaleb(-_DECIMALS[currency]))
    parts: list[dict[str, Any]] = [
        {"type": "fixed", "amount": exact, "to": f"2028-02-{day - 1:02}"},
        {"type": "fixed", "amount": exact, "from": f"2028-02-{day:02}"},
    ]
    contract = contract_of(charges=parts, engagement={"currency": currency})
    whole = _subtotal(contract, {}, period="2028-02")
    assert abs(whole - Decimal(exact)) <= Decimal(1).scaleb(-_DECIMALS[currency])


# ---- from the lines to the amount payable ---------------------------------------------------

_TAXES = [
    {"category": "standard", "rate": "19"},
    {"category": "standard", "rate": "7.7"},
    {"category": "zero"},
    {"category": "reverse_charge"},
]


@st.composite
def _invoices(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Terms of an invoice of a few lines, and its usage, in minor units of its currency."""
    currency = draw(st.sampled_from(sorted(_DECIMALS)))
    minor = st.integers(0, 10**6).map(
        lambda units: str(Decimal(units).scaleb(-_DECIMALS[currency]))
    )
    charges = [
        {"type": "fixed", "amount": amount} | ({"tax": tax} if tax else {})
        for amount, tax in draw(
            st.lists(st.tuples(minor, st.none() | st.sampled_from(_TAXES)), max_size=6)
        )
    ]
    invoicing: dict[str, Any] = {"tax": draw(st.sampled_from(_TAXES))}
    if draw(st.booleans()):
        invoicing["withholding"] = {"rate": draw(st.sampled_from(["0", "7.5", "10", "33.33"]))}
    terms = {"engagement": {"currency": currency}, "charges": charges, "invoicing": invoicing}
    return terms, {"service_credit": draw(minor)}


@given(invoice=_invoices())
def test_lines_less_credit_with_tax_less_withholding_are_payable(
    invoice: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    terms, usage = invoice
    answer = _answer(contract_of(**terms), {}, **usage)
    places = _DECIMALS[answer["currency"]]
    lines = [Decimal(line["amount"]) for line in answer["lines"]]
    credit, withheld = Decimal(answer["service_credit"]), Decimal(answer["withholding"])
    taxes = [Decimal(tax["amount"]) for tax in answer["taxes"]]
    assert sum(lines) == Decimal(answer["subtotal"])
    assert sum(lines) - credit + sum(taxes) == Decimal(answer["total"])
    assert Decimal(answer["total"]) - withheld == Decimal(answer["payable"])
    assert sum(Decimal(tax["base"]) for tax in answer["taxes"]) == sum(lines) - credit
    for tax in answer["taxes"]:
        owed = Fraction(tax["base"]) * Fraction(tax["rate"]) / 100
        assert Decimal(tax["amount"]) == _away_from_zero(owed, places)
    amounts = [*lines, *taxes, credit, withheld, Decimal(answer["payable"])]
    assert {amount.as_tuple().exponent for amount in amounts} <= {-places}


def _away_from_zero(value: Fraction, places: int) -> Decimal:
    """Rounded with halves away from zero, also below it."""
    return _rounded(abs(value), places).copy_sign(-1 if value < 0 else 1) + 0


@given(
    amounts=st.lists(st.integers(1, 10**6), min_size=1, max_size=4),
    share=st.integers(0, 1000),
    currency=st.sampled_from(sorted(_DECIMALS)),
)
def test_a_service_credit_is_shared_to_the_last_unit_and_in_proportion(
    amounts: list[int], share: int, currency: str
) -> None:
    unit = Decimal(1).scaleb(-_DECIMALS[currency])
    charges = [
        {"type": "fixed", "amount": str(amount * unit), "tax": tax}
        for amount, tax in zip(amounts, _TAXES, strict=False)
    ]
    credit = sum(amounts) * share // 1000
    contract = contract_of(charges=charges, engagement={"currency": currency})
    answer = _answer(contract, {}, service_credit=str(credit * unit))
    taken = [
        amount - Decimal(tax["base"]) / unit
        for amount, tax in zip(amounts, answer["taxes"], strict=True)
    ]
    assert sum(taken) == credit
    for amount, one in zip(amounts, taken, strict=True):
        assert 0 <= one <= amount
        assert abs(Fraction(one) - Fraction(credit * amount, sum(amounts))) < len(amounts)


@given(
    charged=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    commitment=st.integers(1, 3 * 10**6),
)
def test_a_monthly_commitment_is_a_floor_and_adds_no_more(
    charged: list[int], commitment: int
) -> None:
    charges = [{"type": "fixed", "amount": str(Decimal(cents) / 100)} for cents in charged]
    terms = {"amount": str(Decimal(commitment) / 100), "per": "month"}
    contract = contract_of(charges=charges, minimum_commitment=terms)
    assert _subtotal(contract, {}) == max(Decimal(sum(charged)), Decimal(commitment)) / 100


@given(
    months=st.lists(st.integers(0, 10**6), min_size=12, max_size=12),
    commitment=st.integers(1, 12 * 10**6),
)
def test_a_yearly_commitment_is_a_floor_of_the_year(months: list[int], commitment: int) -> None:
    ramp = {f"2026-{at:02}": str(Decimal(cents) / 100) for at, cents in enumerate(months, 1)}
    contract = contract_of(
        charges=[{"type": "fixed", "amount": "0", "ramp": ramp}],
        minimum_commitment={"amount": str(Decimal(commitment) / 100), "per": "year"},
    )
    before = list(accumulate([Decimal(0), *(Decimal(cents) / 100 for cents in months)]))
    billed = [
        _subtotal(contract, {}, period=f"2026-{at:02}", charged_this_year=str(before[at - 1]))
        for at in (1, 11, 12)
    ]
    assert billed[:2] == [Decimal(months[0]) / 100, Decimal(months[10]) / 100]
    assert before[11] + billed[2] == max(before[12], Decimal(commitment) / 100)
