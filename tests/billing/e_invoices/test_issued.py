"""Issuing an invoice freezes its electronic forms, where the contract has what they need."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy.orm import Session

from billing.e_invoices.schema import schema_errors
from billing.invoices.service import issue_invoice
from billing.settlement.models import DocumentKind
from billing.settlement.queries import documents_of, find_settlement
from billing.settlement.service import settle_period
from governance.engagements.service import add_contract
from governance.values import Period
from tests.factories import approve, contract_bytes, make_actor, make_evidence, make_workshop

JANUARY = Period.month(2026, 1)
_FORMS = (DocumentKind.INVOICE_CII, DocumentKind.INVOICE_UBL)


@pytest.mark.parametrize("vat_id", ["IE6388047V", None])
def test_issuing_freezes_the_electronic_forms(
    session: Session, tmp_path: Path, vat_id: str | None
) -> None:
    data = contract_bytes()
    if vat_id:
        data = data.replace(b"country: IE}", f"country: IE, vat_id: {vat_id}}}".encode())
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = add_contract(session, actor, "contract.yaml", data).engagement
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    issuer = approve(session, engagement, JANUARY)
    issue_invoice(session, issuer, engagement, JANUARY, workshop)
    kept = documents_of(session, find_settlement(session, actor, engagement, JANUARY))
    assert [kind for kind in _FORMS if kind in kept] == (list(_FORMS) if vat_id else [])
    for document in (kept[kind] for kind in _FORMS if kind in kept):
        root = etree.fromstring(document.data)
        assert document.frozen
        assert schema_errors(root) == ()
        assert "CW-2026-00001" in root.itertext()
