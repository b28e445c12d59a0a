"""Tax beside the documents: differences of restated periods, rates that don't count, precision."""

from __future__ import annotations

from decimal import Decimal

from billing.charges.values import ChargeLine, TaxTreatment
from billing.tax import percentage_of, tax_lines, treatment_of
from governance.contract.charges import Tax, TaxCategory

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
