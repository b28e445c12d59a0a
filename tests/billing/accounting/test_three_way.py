"""Contract, sealed figures and invoice agree where nothing was changed; each change is named."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billing.accounting.three_way import ThreeWayCheck, three_way_check
from billing.accounting.three_way_queries import _rows
from billing.invoices.fee_document import FeeDocument, FeeLine, read_fee_document
from billing.settlement.documents import invoice_header, invoice_json
from governance.contract.document import Contract
from governance.tables import canonical_json
from governance.values import Period
from sla.reviews.verifying import Difference
from tests.billing.settlement.cases import SETTLED, contract_of, settled


def _stated(case: dict[str, Any]) -> tuple[Contract, dict[str, Any]]:
    settlement = settled(case)
    header = invoice_header(settlement.contract, settlement.period, 17)
    return settlement.contract, json.loads(canonical_json(invoice_json(settlement, header)))


@pytest.fixture(scope="module", name="agreed")
def agreed_document() -> tuple[Contract, FeeDocument, dict[int, int]]:
    contract, stated = _stated({"period": "2026-02"})
    return contract, read_fee_document(stated), _rows(stated)


_EACH = [case for case in SETTLED if "problem" not in case]


@pytest.mark.parametrize("case", _EACH, ids=[str(case.get("case", "")) for case in _EACH])
def test_settled_invoices_agree(case: dict[str, Any]) -> None:
    contract, stated = _stated(case)
    document = read_fee_document(stated)
    check = three_way_check(contract, document, _rows(stated), document)
    assert check.agrees, check.differences
    assert [line.invoiced for line in check.lines] == list(document.lines)


def _changed(document: FeeDocument, position: int, **change: Any) -> FeeDocument:
    def line(one: FeeLine) -> FeeLine:
        return replace(one, **change) if one.position == position else one

    return replace(document, lines=tuple(line(one) for one in document.lines))


def _check(
    agreed: tuple[Contract, FeeDocument, dict[int, int]], invoice: FeeDocument, **more: Any
) -> ThreeWayCheck:
    return three_way_check(agreed[0], agreed[1], agreed[2], invoice, **more)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"amount": Decimal("20.00")},
            [
                ("the amount is another one", "CH-02", "15.00", "20.00"),
                (
                    "it isn't what the lines and the contract's rates come to",
                    "Charges",
                    "1050.00",
                    "1045.00",
                ),
            ],
        ),
        (
            {"quantity": Decimal(4)},
            [
                (
                    "the quantity is another one",
                    "CH-02",
                    "3 invoices_issued",
                    "4 invoices_issued",
                )
            ],
        ),
        (
            {"clause": "Schedule 9"},
            [("the clause is another one", "CH-02", "Schedule 3, 2", "Schedule 9")],
        ),
        (
            {"charge": "CH-77"},
            [
                ("the contract has no such charge", "CH-77", "", ""),
                ("it was never sealed", "CH-77", "", "15.00"),
                ("it was sealed and isn't invoiced", "CH-02", "15.00", ""),
            ],
        ),
    ],
)
def test_what_was_changed_is_named(
    agreed: tuple[Contract, FeeDocument, dict[int, int]],
    change: dict[str, Any],
    expected: list[tuple[str, str, str, str]],
) -> None:
    check = _check(agreed, _changed(agreed[1], 2, **change))
    found = [(one.what, one.where, one.expected, one.found) for one in check.differences]
    assert found == expected
    assert not check.agrees


def test_another_tax_and_other_totals_are_named(
    agreed: tuple[Contract, FeeDocument, dict[int, int]],
) -> None:
    document = agreed[1]
    tax = document.taxes[0]
    other = replace(document, taxes=(replace(tax, amount=tax.amount + 1),))
    named = [(one.what, one.where) for one in _check(agreed, other).differences]
    computed = "it isn't what the lines and the contract's rates come to"
    assert named == [
        (computed, "VAT 19%"),
        ("it isn't what was sealed", "VAT 19%"),
        (computed, "Total"),
    ]
    lower = _changed(document, 1, tax=replace(tax.tax, rate=Decimal(7)))
    (found,) = _check(agreed, lower).differences
    assert (found.expected, found.found) == ("VAT 19%", "VAT 7%")


def test_charges_that_come_out_otherwise_from_the_evidence_are_named(
    agreed: tuple[Contract, FeeDocument, dict[int, int]],
) -> None:
    again = Difference("quantity differs", "CH-02", "3", "4")
    nowhere = Difference("the charges can't be computed again", "no table")
    check = _check(
        agreed, agreed[1], again=(again, nowhere), left_out=("CH-09 follows from others",)
    )
    assert check.differences == (again, nowhere)
    assert [line.agrees for line in check.lines] == [True, False, True]
    assert (check.computed_again, check.left_out) == (True, ("CH-09 follows from others",))
    assert [line.measured and line.measured.rows for line in check.lines] == [None, 3, 2]


def test_figures_that_are_not_sealed_do_not_agree_yet() -> None:
    document = read_fee_document(_stated({"period": "2026-02"})[1])
    check = three_way_check(contract_of({}), None, {}, document)
    assert (check.sealed, check.agrees, check.differences) == (False, False, ())
    assert Period.month(2026, 2) == check.document.period
