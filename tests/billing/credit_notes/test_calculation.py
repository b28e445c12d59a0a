"""Credit notes by cases worked by hand, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.charges.values import TaxTreatment
from billing.credit_notes.calculation import (
    Amount,
    Asked,
    ByLine,
    CreditFigures,
    Everything,
    Percentage,
    credit,
    total_credited,
)
from billing.credit_notes.lines import UNTOUCHED, CreditedLine, lines_left, spread
from billing.invoices.fee_document import FeeDocument, TaxCurrency
from governance.errors import BadInput
from governance.values import minor_digits
from tests.billing.credit_notes.build import USUAL, make_invoice, treatment
from tests.paths import CASES

_Credited = dict[int, CreditedLine]
_CASES = yaml.safe_load((CASES / "credit_notes.yaml").read_text("utf-8"))


def _invoice(case: Mapping[str, Any]) -> FeeDocument:
    lines = [(line[0], treatment(*line[1:]) if line[1:] else USUAL) for line in case["lines"]]
    return make_invoice(
        lines,
        case.get("service_credit", "0"),
        case.get("currency", "EUR"),
        case.get("withheld", "0"),
        [int(one) for one in case.get("restated", ())],
    )


def _asked(found: Any) -> Asked:
    if found == "everything":
        return Everything()
    ((kind, value),) = found.items()
    if kind == "percent":
        return Percentage(Decimal(value))
    if kind == "amount":
        return Amount(Decimal(value))
    return ByLine({int(key): None if one == "rest" else Decimal(one) for key, one in value.items()})


def _add(so_far: _Credited, note: CreditFigures) -> None:
    for line in note.lines:
        so_far[line.position] = so_far.get(line.position, UNTOUCHED) + line


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_worked_by_hand(case: Mapping[str, Any]) -> None:
    invoice, so_far = _invoice(case), _Credited()
    for expected in case["notes"]:
        if "refused" in expected:
            with pytest.raises(BadInput, match=expected["refused"]):
                credit(invoice, _asked(expected["asked"]), so_far)
            continue
        note = credit(invoice, _asked(expected["asked"]), so_far)
        _compare(note, expected)
        _add(so_far, note)
    left = invoice.payable - total_credited(invoice, so_far).payable
    assert str(left) == case["left"]


def _compare(note: CreditFigures, expected: Mapping[str, Any]) -> None:
    lines = [[one.position, one.amount, one.allowance] for one in note.lines]
    assert lines == [[int(one[0]), *map(Decimal, one[1:])] for one in expected["lines"]]
    taxes = [[one.tax.rate, one.base, one.amount] for one in note.taxes]
    assert taxes == [list(map(Decimal, one)) for one in expected["taxes"]]
    assert (str(note.total), str(note.payable)) == (expected["total"], expected["payable"])


def test_a_note_states_the_reason_of_the_service_credit_that_lapses() -> None:
    note = credit(make_invoice([("100.00", USUAL)], "10.00"), Everything())
    ((allowance),) = note.allowances
    assert (allowance.amount, allowance.reason, allowance.clause) == (
        Decimal("10.00"),
        "Service credit",
        "9.2",
    )


def test_tax_in_the_currency_of_its_declaration_adds_up_too() -> None:
    """19.00 EUR at 8.3333 is 158.33 CNY; a third, 6.33, is 52.75."""
    declared = TaxCurrency("CNY", Decimal("8.3333"), date(2026, 2, 28), "ECB", Decimal("158.33"))
    invoice, so_far = make_invoice([("100.00", USUAL)], declared=declared), _Credited()
    stated = []
    for asked in (ByLine({1: Decimal("33.33")}), Everything()):
        note = credit(invoice, asked, so_far)
        _add(so_far, note)
        assert note.tax_currency is not None
        stated.append(note.tax_currency.tax)
    assert stated == [Decimal("52.75"), Decimal("105.58")]


def test_three_taxes_are_declared_one_by_one() -> None:
    """0.19, 0.07 and 0.05 at 1.3 are 0.25 + 0.09 + 0.07 = 0.41, and not 0.40 for their sum 0.31."""
    declared = TaxCurrency("USD", Decimal("1.3"), date(2026, 2, 28), "ECB", Decimal("0.41"))
    lines = [("1.00", USUAL), *(("1.00", treatment("standard", rate)) for rate in ("7", "5"))]
    lines.append(("0.04", treatment("standard", "3")))
    invoice, so_far = make_invoice(lines, declared=declared), _Credited()
    stated = []
    for asked in (ByLine({1: None}), ByLine({2: None}), ByLine({3: None}), Everything()):
        note = credit(invoice, asked, so_far)
        _add(so_far, note)
        assert note.tax_currency is not None
        stated.append(str(note.tax_currency.tax))
    assert stated == ["0.25", "0.09", "0.07", "0.00"]


_TREATMENTS = (USUAL, treatment("standard", "7"), treatment("zero", "0"))
_RATES = st.sampled_from(_TREATMENTS)


@st.composite
def _invoices(draw: st.DrawFn) -> FeeDocument:
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    unit = Decimal(1).scaleb(-minor_digits(currency))
    amounts = draw(st.lists(st.tuples(st.integers(0, 100_000), _RATES), min_size=1, max_size=5))
    most = sum(amount for amount, _ in amounts)
    credited = draw(st.integers(-most // 5, most // 2))
    lines: list[tuple[str, TaxTreatment]] = [(str(one * unit), tax) for one, tax in amounts]
    withheld = draw(st.sampled_from(["0", "10", "17.5"]))
    return make_invoice(lines, str(credited * unit), currency, withheld)


def _parts(data: st.DataObject, invoice: FeeDocument, so_far: _Credited) -> CreditFigures:
    """One more note: a part or the rest of a line, or a part of all that is left."""
    left = [line for line in lines_left(invoice, so_far).values() if line.open]
    unit = Decimal(1).scaleb(-minor_digits(invoice.currency))
    whole = sum((line.net for line in left), Decimal(0))
    if data.draw(st.booleans()) and whole > 0:
        asked: Asked = Amount(data.draw(st.integers(1, int(whole / unit))) * unit)
        return credit(invoice, asked, so_far)
    line = data.draw(st.sampled_from(left))
    most = int(line.net / unit)
    part = data.draw(st.integers(1, most)) * unit if most > 0 else None
    return credit(invoice, ByLine({line.position: part}), so_far)


@given(_invoices(), st.data())
def test_parts_in_any_order_add_up_to_the_invoice_and_never_exceed_it(
    invoice: FeeDocument, data: st.DataObject
) -> None:
    so_far, notes = _Credited(), list[CreditFigures]()
    for _ in range(data.draw(st.integers(0, 5))):
        if not any(line.open for line in lines_left(invoice, so_far).values()):
            break
        notes.append(_parts(data, invoice, so_far))
        _add(so_far, notes[-1])
        _within(invoice, so_far)
    if any(line.open for line in lines_left(invoice, so_far).values()):
        notes.append(credit(invoice, Everything(), so_far))
        _add(so_far, notes[-1])
    _whole(invoice, notes, so_far)


def _within(invoice: FeeDocument, so_far: _Credited) -> None:
    together = total_credited(invoice, so_far)
    for line in lines_left(invoice, so_far).values():
        assert line.net >= 0
        assert line.amount >= 0
    given_back = {one.tax: one for one in together.taxes}
    for tax in invoice.taxes:
        if tax.tax in given_back:
            assert 0 <= given_back[tax.tax].amount <= tax.amount
            assert 0 <= given_back[tax.tax].base <= tax.base
    assert 0 <= together.total <= invoice.total
    assert 0 <= together.payable <= invoice.payable


@st.composite
def _mixed(draw: st.DrawFn) -> FeeDocument:
    """Lines that take amounts off among the others, and what is charged in all."""
    amounts = draw(st.lists(st.tuples(st.integers(-9_000, 20_000), _RATES), min_size=1, max_size=5))
    restated = draw(st.sets(st.integers(1, 5), max_size=2))
    credited = draw(st.integers(-3_000, 3_000))
    lines = [(str(Decimal(one) / 100), tax) for one, tax in amounts]
    invoice = make_invoice(lines, str(Decimal(credited) / 100), restated=sorted(restated))
    taxes = {line.tax for line in invoice.lines}
    assume(invoice.payable > 0 and all(one.tax in taxes for one in invoice.allowances))
    return invoice


_ASKED = st.one_of(
    st.builds(Amount, st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)),
    st.builds(Percentage, st.integers(1, 100).map(Decimal)),
    st.dictionaries(
        st.integers(1, 5),
        st.one_of(st.none(), st.integers(-20_000, 20_000).map(lambda cents: Decimal(cents) / 100)),
        min_size=1,
        max_size=3,
    ).map(ByLine),
)


@given(_mixed(), st.lists(_ASKED, max_size=6))
def test_whatever_is_asked_for_a_note_fits_or_is_refused(
    invoice: FeeDocument, wishes: list[Asked]
) -> None:
    so_far, notes = _Credited(), list[CreditFigures]()
    for asked in (*wishes, Everything()):
        try:
            note = credit(invoice, asked, so_far)
        except BadInput:
            continue
        assert note.total >= 0
        notes.append(note)
        _add(so_far, note)
        together = total_credited(invoice, so_far)
        assert 0 <= together.total <= invoice.total
        assert 0 <= together.payable <= invoice.payable
    _whole(invoice, notes, so_far)


def _whole(invoice: FeeDocument, notes: Sequence[CreditFigures], so_far: _Credited) -> None:
    for name in ("subtotal", "service_credit", "tax", "withholding", "total", "payable"):
        given_back = sum((getattr(note, name) for note in notes), Decimal(0))
        assert given_back == getattr(invoice, name), name
        assert given_back == getattr(total_credited(invoice, so_far), name), name
    with pytest.raises(BadInput):
        credit(invoice, Everything(), so_far)


@given(st.lists(st.integers(0, 1000).map(Decimal), min_size=1, max_size=12), st.integers(0, 1000))
def test_no_share_exceeds_its_weight(weights: list[Decimal], thousandths: int) -> None:
    whole = sum(weights)
    amount = Decimal(int(whole * thousandths / 1000))
    shares = spread(amount, dict(enumerate(weights)), "JPY")
    assert sum(shares.values()) == amount
    assert all(0 <= shares[key] <= weight for key, weight in enumerate(weights))
