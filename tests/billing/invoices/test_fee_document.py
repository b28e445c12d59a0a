"""Fee documents are read from their JSON as it was frozen, and written as they are read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.invoices.fee_document import (
    DocumentReference,
    DocumentTax,
    DocumentType,
    FeeDocument,
    TaxCurrency,
    read_fee_document,
)
from billing.invoices.fee_document_json import fee_document_json
from billing.settlement.documents import invoice_header, invoice_json
from governance.contract.charges import TaxCategory
from governance.errors import BadInput
from governance.tables import canonical_json
from governance.values import Period
from tests.billing.settlement.cases import settled


@pytest.fixture(scope="module", name="stated")
def stated_json() -> dict[str, Any]:
    settlement = settled({"period": "2026-02"})
    header = invoice_header(settlement.contract, settlement.period, 17)
    answer: dict[str, Any] = json.loads(canonical_json(invoice_json(settlement, header)))
    return answer


@pytest.fixture(scope="module", name="document")
def read_document(stated: dict[str, Any]) -> FeeDocument:
    return read_fee_document(stated)


def test_an_invoice_is_read_as_it_is_stated(stated: dict[str, Any], document: FeeDocument) -> None:
    assert (document.type, document.number) == (DocumentType.INVOICE, "CW-2026-00017")
    assert (document.issued_on, document.due_on) == (date(2026, 3, 1), date(2026, 3, 31))
    assert document.period == Period.month(2026, 2)
    assert document.seller.name == stated["provider"]["name"]
    assert [line.position for line in document.lines] == [1, *range(2, len(stated["lines"]) + 1)]
    assert [f"{line.amount}" for line in document.lines] == [
        line["amount"] for line in stated["lines"]
    ]
    assert document.lines[0].steps[0].price == Decimal(stated["lines"][0]["steps"][0]["price"])
    assert f"{document.payable}" == stated["payable"]


def test_its_sums_hold(document: FeeDocument) -> None:
    assert document.service_credit > 0
    assert sum(line.amount for line in document.lines) == document.subtotal
    assert sum(one.amount for one in document.allowances) == document.service_credit
    assert sum(one.base for one in document.taxes) == document.net
    assert document.net + document.tax == document.total
    assert document.total - document.withholding == document.payable


def test_an_allowance_says_what_it_is_for(document: FeeDocument) -> None:
    (allowance,) = document.allowances
    assert allowance.tax == document.taxes[0].tax == document.lines[0].tax
    assert (allowance.reason, allowance.clause) == ("Service credit 2026-02", "Schedule 2, 3.1")


def test_documents_frozen_without_allowances_give_the_same_shares(
    stated: dict[str, Any], document: FeeDocument
) -> None:
    earlier = read_fee_document({key: stated[key] for key in stated if key != "allowances"})
    assert [(one.amount, one.tax) for one in earlier.allowances] == [
        (one.amount, one.tax) for one in document.allowances
    ]


def test_bytes_and_objects_are_read_alike(stated: dict[str, Any], document: FeeDocument) -> None:
    assert read_fee_document(canonical_json(stated)) == document


def _credit_note(document: FeeDocument) -> FeeDocument:
    line = document.lines[0]
    return replace(
        document,
        type=DocumentType.CREDIT_NOTE,
        number="CN-2026-00001",
        corrects=DocumentReference("CW-2026-00017", date(2026, 3, 1)),
        lines=(replace(line, position=1, corrects_position=line.position, late="2026-01"),),
        tax_currency=TaxCurrency("PLN", Decimal("4.2"), date(2026, 2, 27), "ECB", Decimal("79.80")),
        buyer_reference="04011000-1234512345-06",
        payment_terms="Thirty days net",
        language="de",
        profile="xrechnung",
        due_on=None,
        estimate=True,
    )


def test_what_is_written_is_read_back(document: FeeDocument) -> None:
    exempt = DocumentTax(TaxCategory.EXEMPT, Decimal(0), "Training", "VATEX-EU-132", "VAT")
    note = _credit_note(document)
    line = replace(note.lines[0], tax=exempt, restatement="2026-01/1")
    for one in (document, note, replace(note, lines=(line,))):
        assert read_fee_document(canonical_json(fee_document_json(one))) == one


@pytest.mark.parametrize(
    "broken", [b"{}", b"[]", b"not json", b'"text"', b"\xff", canonical_json({"number": 1})]
)
def test_anything_else_is_refused(broken: bytes) -> None:
    with pytest.raises(BadInput, match="no invoice or credit note"):
        read_fee_document(broken)
