"""Tax beside the documents: differences of restated periods, rates that don't count, precision."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges.values import ChargeLine, TaxTreatment
from billing.tax import exemption_code, percentage_of, tax_lines, treatment_of, usual_reason
from governance.contract.charges import Tax, TaxCategory
from governance.values import minor_digits, round_money

_FULL = TaxTreatment(TaxCategory.STANDARD, Decimal(19))
_REDUCED = TaxTreatment(TaxCategory.STANDARD, Decimal(7))


def _line(amount: str, tax: TaxTreatment, restatement: str = "") -> ChargeLine:
    return ChargeLine(
        charge="CH-01",
        title="Fee",
        clause="not stated",
        quantity=Decimal(1),
        unit="month",
        amount=Decimal(amount),
        steps=(),
        tax=tax,
        restatement=restatement,
    )


def test_differences_are_taxed_with_the_lines_and_take_no_share_in_the_credit() -> None:
    """100.00 − 10.00 + 50.00 at 19 %, and −20.00 − 5.00 at 7 %."""
    lines = [
        _line("100.00", _FULL),
        _line("50.00", _FULL, "2026-03/1"),
        _line("-20.00", _REDUCED, "2026-03/1"),
        _line("-5.00", _REDUCED, "2026-03/1"),
    ]
    taxes = tax_lines(lines, Decimal("10.00"), "EUR", _FULL)
    assert [(tax.rate, tax.base, tax.amount) for tax in taxes] == [
        (Decimal(19), Decimal("140.00"), Decimal("26.60")),
        (Decimal(7), Decimal("-25.00"), Decimal("-1.75")),
    ]


def test_only_the_standard_category_has_a_rate() -> None:
    assert treatment_of(Tax(category=TaxCategory.ZERO, rate=Decimal(19))).rate == 0
    assert treatment_of(Tax(category=TaxCategory.STANDARD, rate=Decimal(19))).rate == 19


def test_no_digit_is_lost_before_the_one_rounding() -> None:
    just_below_half_a_cent = Decimal("1234567890123456.784999999999999999")
    assert percentage_of(just_below_half_a_cent, Decimal(100), "EUR") == Decimal(
        "1234567890123456.78"
    )


_TREATMENTS = [treatment_of(Tax(category=each, rate=Decimal(7))) for each in TaxCategory]


@given(
    st.lists(st.tuples(st.integers(-999_999, 9_999_999), st.sampled_from(_TREATMENTS))),
    st.integers(-99_999, 999_999),
    st.sampled_from(["JPY", "EUR", "KWD"]),
)
def test_bases_add_up_to_the_net_amount_in_every_currency(
    amounts: list[tuple[int, TaxTreatment]], credit: int, currency: str
) -> None:
    def money(minor: int) -> Decimal:
        return Decimal(minor).scaleb(-minor_digits(currency))

    lines = [_line(f"{money(minor):f}", tax) for minor, tax in amounts]
    taxes = tax_lines(lines, money(credit), currency, _FULL)
    net = sum((line.amount for line in lines), Decimal(0)) - money(credit)
    assert sum((tax.base for tax in taxes), Decimal(0)) == net
    for tax in taxes:
        assert tax.amount == percentage_of(tax.base, tax.rate, currency)
        assert (tax.base, tax.amount) == (
            round_money(tax.base, currency),
            round_money(tax.amount, currency),
        )
        assert not tax.amount or tax.category is TaxCategory.STANDARD


@pytest.mark.parametrize(
    ("category", "code"),
    [
        (TaxCategory.STANDARD, None),
        (TaxCategory.ZERO, None),
        (TaxCategory.EXEMPT, None),
        (TaxCategory.REVERSE_CHARGE, "VATEX-EU-AE"),
        (TaxCategory.INTRA_COMMUNITY, "VATEX-EU-IC"),
        (TaxCategory.EXPORT, "VATEX-EU-G"),
        (TaxCategory.OUTSIDE_SCOPE, "VATEX-EU-O"),
    ],
)
def test_what_is_not_taxed_says_why(category: TaxCategory, code: str | None) -> None:
    assert exemption_code(category) == code
    assert (usual_reason(category) is not None) == (code is not None)
    own = exemption_code(category, "VATEX-EU-132")
    assert own == (None if category in {TaxCategory.STANDARD, TaxCategory.ZERO} else "VATEX-EU-132")
