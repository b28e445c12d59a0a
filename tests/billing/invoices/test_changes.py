"""What a draft says of its difference to the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.changes import change_of, changes_of
from billing.invoices.fee_document import (
    DocumentTax,
    DocumentType,
    FeeDocument,
    FeeLine,
    FeeTax,
)
from governance.contract.charges import TaxCategory
from governance.contract.engagement import Party
from governance.values import Period

_VAT = DocumentTax(TaxCategory.STANDARD, Decimal(19))


def _line(position: int, charge: str, amount: str, quantity: str = "1") -> FeeLine:
    return FeeLine(
        position, charge, charge.title(), "§ 4", Decimal(quantity), "unit", Decimal(amount), _VAT
    )


def _document(*lines: FeeLine, credit: str = "0.00") -> FeeDocument:
    subtotal = sum((line.amount for line in lines), Decimal(0))
    base = subtotal - Decimal(credit)
    tax = (base * Decimal("0.19")).quantize(Decimal("0.01"))
    return FeeDocument(
        type=DocumentType.INVOICE,
        number=None,
        issued_on=None,
        due_on=None,
        engagement="ENG-1",
        title="Collections",
        seller=Party(name="Clearwater Receivables Ltd", country="IE"),
        buyer=Party(name="Nordlicht Handel GmbH", country="DE"),
        period=Period(date(2026, 1, 1), date(2026, 1, 31)),
        currency="EUR",
        lines=lines,
        taxes=(FeeTax(_VAT, base, tax),),
        subtotal=subtotal,
        service_credit=Decimal(credit),
        total=base + tax,
        withholding=Decimal(0),
        payable=base + tax,
    )


_DESK, _UNITS = _line(1, "desk", "1000.00"), _line(2, "units", "7.50", "3")


def test_the_same_document_has_no_changes() -> None:
    assert changes_of(_document(_DESK, _UNITS), _document(_DESK, _UNITS)) == ()


def test_lines_that_come_go_and_change_are_named_with_their_amounts() -> None:
    more, project = _line(2, "units", "10.00", "4"), _line(3, "project", "500.00")
    found = changes_of(_document(_DESK, _UNITS), _document(more, project))
    assert [(one.part, one.kind, one.title, one.before, one.after) for one in found[:3]] == [
        ("line", "removed", "Desk", "1000.00", None),
        ("line", "changed", "Units", "7.50", "10.00"),
        ("line", "added", "Project", None, "500.00"),
    ]
    assert found[1].note == "3 → 4 unit"
    assert [one.part for one in found[3:]] == ["tax", "total", "payable"]


def test_credit_tax_and_totals_are_named() -> None:
    found = changes_of(_document(_DESK), _document(_DESK, credit="100.00"))
    assert [(one.title, one.before, one.after) for one in found] == [
        ("Service credit", "0.00", "100.00"),
        ("VAT 19%", "190.00", "171.00"),
        ("Total", "1190.00", "1071.00"),
        ("Payable", "1190.00", "1071.00"),
    ]


def test_terms_are_named_and_parties_without_their_text() -> None:
    before = _document(_DESK)
    seller = before.seller.model_copy(update={"city": "Cork"})
    after = replace(before, purchase_order="PO-2", seller=seller)
    assert [(one.title, one.kind, one.before, one.after) for one in changes_of(before, after)] == [
        ("Purchase order", "added", None, "PO-2"),
        ("Provider's particulars", "changed", None, None),
    ]


def test_two_lines_of_one_charge_are_told_apart() -> None:
    twice = (_UNITS, replace(_UNITS, position=3, amount=Decimal("9.00")))
    (removed, *_) = changes_of(_document(*twice), _document(_UNITS))
    assert (removed.kind, removed.before) == ("removed", "9.00")


_LINES = st.lists(
    st.builds(
        _line,
        st.just(1),
        st.sampled_from(["desk", "units", "project"]),
        st.integers(-500, 500).map(lambda one: f"{one}.00"),
        st.integers(0, 3).map(str),
    ),
    max_size=4,
)


@given(_LINES, _LINES)
def test_changes_of_lines_add_up_to_the_change_of_the_sum(
    before: list[FeeLine], after: list[FeeLine]
) -> None:
    found = changes_of(_document(*before), _document(*after))
    lines = [one for one in found if one.part == "line"]
    moved = sum(Decimal(one.after or 0) - Decimal(one.before or 0) for one in lines)
    assert moved == sum(one.amount for one in after) - sum(one.amount for one in before)


@pytest.mark.parametrize("other", [_document(_UNITS), _document(_DESK, credit="1.00")])
def test_what_is_kept_is_read_back(other: FeeDocument) -> None:
    found = changes_of(_document(_DESK), other)
    assert tuple(change_of(one.as_json()) for one in found) == found
