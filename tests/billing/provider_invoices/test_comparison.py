"""What is billed beside what should have been billed: worked cases, and what always holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.e_invoices.taxes import Category
from billing.e_invoices.values import Profile, Syntax
from billing.e_invoices.xml import e_invoice_xml
from billing.invoices.fee_document import DocumentStep, DocumentType, FeeDocument, FeeLine
from billing.provider_invoices.comparison import Comparison, compare
from billing.provider_invoices.csv_reader import CsvProfile
from billing.provider_invoices.matching import Decision, Sure
from billing.provider_invoices.reading import read_provider_invoice
from billing.provider_invoices.values import (
    BilledDocument,
    BilledItem,
    BilledTax,
    Expected,
    ExpectedItem,
    ExpectedTax,
    Source,
    expected_of,
)
from billing.tax import percentage_of
from governance.values import Period, money_text, round_money, summed
from tests.billing.e_invoices.cases import Case
from tests.billing.e_invoices.cases import cases as e_invoices
from tests.billing.provider_invoices.documents import billed_of_case, expected_of_case, table


def _holds(result: Comparison, documents: list[BilledDocument], expected: Expected) -> None:
    """Nothing is lost: amounts add up and every line stands in one row."""
    own = [one for one in documents if one.currency == expected.currency]
    assert result.billed == summed(one.total for one in own)
    assert result.expected == expected.total
    assert summed(one.amount for one in result.differences) == result.difference
    placed = [(one.document, one.item.key) for row in result.rows for one in row.billed]
    # A tax that is expected as a charge stands beside the lines that were read.
    billed = Counter(one for one in placed if not one[1].startswith("charge tax"))
    assert billed == Counter((one.number, item.key) for one in own for item in one.items)
    found = [row.expected.key for row in result.rows if row.expected]
    assert found == [one.key for one in expected.items]
    for row in result.rows:
        rest = row.billed_amount - row.expected_amount
        assert summed(one.amount for one in row.differences) == rest


@pytest.mark.parametrize("case", table()["cases"], ids=lambda case: str(case["name"]))
def test_worked_cases(case: Mapping[str, Any]) -> None:
    expected = expected_of_case(case.get("expected", {}))
    documents = [billed_of_case(one, expected.currency) for one in case["documents"]]
    decisions = {
        (documents[0].number, item): Decision(target, "Ada")
        for item, target in case.get("decisions", {}).items()
    }
    result = compare(documents, expected, decisions)
    found = [
        f"{one.kind.value} {'+' if one.amount > 0 else ''}"
        f"{money_text(one.amount, expected.currency)} {one.title}"
        for one in result.differences
    ]
    assert found == case["differences"]
    _holds(result, documents, expected)
    if "reason" in case:
        assert result.differences[0].reason() == case["reason"]
    placed = {one.item.key: one for row in result.rows for one in row.billed}
    for key, match in case.get("matches", {}).items():
        assert f"{placed[key].sure.value} {placed[key].target}" == match


@pytest.mark.parametrize(
    "case",
    [one for one in e_invoices() if one.document.type is not DocumentType.CREDIT_NOTE],
    ids=lambda case: case.name,
)
@pytest.mark.parametrize("syntax", list(Syntax))
def test_what_was_computed_has_no_differences_as_xml(case: Case, syntax: Syntax) -> None:
    data = e_invoice_xml(case.document, syntax, Profile.EN16931)
    read = read_provider_invoice("invoice.xml", data, CsvProfile(), "EUR")
    expected = expected_of(case.document)
    result = compare([read], expected, {})
    assert result.differences == ()
    placed = [one for row in result.rows for one in row.billed if one.item.amount]
    assert {one.sure for one in placed} <= {Sure.CERTAIN}
    _holds(result, [read], expected)


def _tampered(line: FeeLine, quantity: str, price: str) -> FeeLine:
    numbers = Decimal(quantity), Decimal(price)
    amount = round_money(numbers[0] * numbers[1], "EUR")
    step = DocumentStep(*numbers, amount)
    return replace(line, quantity=numbers[0], amount=amount, steps=(step,))


def _as_billed(document: FeeDocument, lines: tuple[FeeLine, ...], credit: str) -> FeeDocument:
    """The document with other lines and another service credit, its sums and tax as they follow."""
    allowances = tuple(
        replace(one, amount=Decimal(credit)) for one in document.allowances if Decimal(credit)
    )
    subtotal = summed(line.amount for line in lines)
    net = subtotal - Decimal(credit)
    (tax,) = document.taxes
    due = percentage_of(net, tax.tax.rate, "EUR")
    return replace(
        document,
        lines=lines,
        allowances=allowances,
        subtotal=subtotal,
        service_credit=Decimal(credit),
        taxes=(replace(tax, base=net, amount=due),),
        total=net + due,
        payable=net + due,
    )


@pytest.mark.parametrize("syntax", list(Syntax))
@pytest.mark.parametrize(
    ("what", "amount"),
    [("price", "30.00"), ("quantity", "25.50"), ("extra", "99.00"), ("credit", "")],
)
def test_what_is_tampered_with_is_found_to_the_cent(syntax: Syntax, what: str, amount: str) -> None:
    (agreed,) = (
        one.document for one in e_invoices() if one.name == "service credit as an allowance"
    )
    first = _tampered(agreed.lines[0], "300", "0.85")
    agreed = _as_billed(agreed, (first,), str(agreed.service_credit))
    extra = replace(_tampered(first, "1", "99.00"), position=2, charge="X-1", title="Workshop")
    lines, credit, kind = {
        "price": ((_tampered(first, "300", "0.95"),), agreed.service_credit, "price"),
        "quantity": ((_tampered(first, "330", "0.85"),), agreed.service_credit, "quantity"),
        "extra": ((first, extra), agreed.service_credit, "not_in_contract"),
        "credit": ((first,), Decimal(0), "credit"),
    }[what]
    data = e_invoice_xml(_as_billed(agreed, lines, str(credit)), syntax, Profile.EN16931)
    read = read_provider_invoice("invoice.xml", data, CsvProfile(), "EUR")
    expected = expected_of(agreed)
    result = compare([read], expected, {})
    found = {one.kind.value: one.amount for one in result.differences}
    wanted = Decimal(amount) if amount else agreed.service_credit
    assert found == {kind: wanted, "tax_follows": read.total - agreed.total - wanted}
    _holds(result, [read], expected)


_AMOUNTS = st.integers(-100_000, 100_000).map(lambda cents: Decimal(cents).scaleb(-2))
_TAXES = st.sampled_from(
    [Category("S", Decimal(19)), Category("S", Decimal(7)), Category("E", Decimal(0))]
)
_TITLES = st.sampled_from(["Service desk", "Invoices issued", "Dunning letters", "Travel"])
_CHARGES = st.sampled_from(["CH-01", "CH-02", "CH-03", ""])
_QUANTITIES = st.none() | st.integers(-50, 50).map(Decimal)
_PRICES = st.none() | st.integers(0, 5_000).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def _expected(draw: st.DrawFn) -> Expected:
    items = [
        ExpectedItem(
            f"{charge} #{number}" if charge else f"credit {number}",
            draw(_TITLES),
            draw(_AMOUNTS),
            draw(_TAXES),
            charge,
            quantity=draw(_QUANTITIES),
            price=draw(_PRICES),
        )
        for number, charge in enumerate(draw(st.lists(_CHARGES, max_size=4)))
    ]
    taxes = [
        ExpectedTax(draw(_TAXES), draw(_AMOUNTS), draw(_AMOUNTS))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Expected(Period.month(2026, 1), "EUR", tuple(items), tuple(taxes))


@st.composite
def _documents(draw: st.DrawFn) -> list[BilledDocument]:
    usual = billed_of_case(table()["as_agreed"], "EUR")
    return [
        replace(
            usual,
            source=Source.CSV,
            type=draw(st.sampled_from(list(DocumentType))),
            number=f"P-{number}",
            currency=draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
            items=tuple(
                BilledItem(
                    f"{draw(st.sampled_from(['line', 'allowance']))} {place}",
                    draw(_TITLES),
                    draw(_AMOUNTS),
                    draw(_CHARGES),
                    quantity=draw(_QUANTITIES),
                    price=draw(_PRICES),
                    tax=draw(st.none() | _TAXES),
                )
                for place in range(draw(st.integers(0, 4)))
            ),
            taxes=tuple(
                BilledTax(draw(st.none() | _TAXES), draw(_AMOUNTS))
                for _ in range(draw(st.integers(0, 2)))
            ),
            total=draw(_AMOUNTS),
        )
        for number in range(draw(st.integers(0, 3)))
    ]


@given(documents=_documents(), expected=_expected(), data=st.data())
def test_nothing_is_lost(
    documents: list[BilledDocument], expected: Expected, data: st.DataObject
) -> None:
    lines = [(one.number, item.key) for one in documents for item in one.items]
    targets = st.sampled_from(["", "gone", *(one.key for one in expected.items)])
    decided = data.draw(st.lists(st.sampled_from(lines), max_size=2)) if lines else []
    decisions = {line: Decision(data.draw(targets), "Ada") for line in decided}
    result = compare(documents, expected, decisions)
    _holds(result, documents, expected)
    assert compare(list(reversed(documents)), expected, decisions) == result
