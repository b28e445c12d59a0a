"""Months that are settled, reviewed and sealed one by one, and invoiced together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from billing.invoices.service import issue_invoice
from billing.settlement.acceptance import agreement_of
from billing.settlement.models import DocumentKind
from billing.settlement.queries import get_document
from billing.settlement.service import settle_period
from billing.settlement.verifying_charges import verify_charges
from governance.access import Actor
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.errors import Conflict
from governance.values import Period
from sla.reviews.queries import seal_of_period
from sla.reviews.verifying import verify_seal
from tests.factories import (
    FEBRUARY,
    JANUARY,
    approve,
    contract_bytes,
    make_actor,
    make_evidence,
    make_workshop,
)

_REBATE = b"""\
  - id: CH-03
    title: Loyalty
    type: volume_rebate
    of: [CH-01]
    retroactive: true
    tiers: [{over: 1500, percent: 10}]
"""


def _contract(every: str = "month") -> bytes:
    """Ends with February, so that its invoice is the last."""
    data = contract_bytes().replace(b"every: month", f"every: {every}".encode())
    data = data.replace(b"starts: 2026-01-01", b"starts: 2026-01-01\n  ends: 2026-02-28")
    return data.replace(b"invoicing:", _REBATE + b"invoicing:")


def _engagement(session: Session, actor: Actor, folder: Path, data: bytes) -> Engagement:
    engagement = add_contract(session, actor, "c.yaml", data).engagement
    make_evidence(session, actor, engagement, folder)
    return engagement


def _stated(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> dict[str, Any]:
    document = get_document(session, actor, engagement, period, DocumentKind.INVOICE)
    return dict(json.loads(document.data))


def test_a_rebate_counts_what_a_sealed_invoice_charged(session: Session, tmp_path: Path) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = _engagement(session, actor, tmp_path, _contract())
    for month in (JANUARY, FEBRUARY):
        settle_period(session, actor, engagement, month, workshop)
        issuer = approve(session, engagement, month)
        issue_invoice(session, issuer, engagement, month, workshop)
    rebates = [
        line["amount"]
        for month in (JANUARY, FEBRUARY)
        for line in _stated(session, actor, engagement, month)["lines"]
        if line["charge"] == "CH-03"
    ]
    assert rebates == ["0.00", "-200.00"]


def test_a_quarter_is_invoiced_with_its_last_month(session: Session, tmp_path: Path) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = _engagement(session, actor, tmp_path, _contract("quarter"))
    settle_period(session, actor, engagement, JANUARY, workshop)
    issuer = approve(session, engagement, JANUARY)
    why = "2026-01 is charged on the invoice of 2026-Q1, made with 2026-02"
    assert agreement_of(session, issuer, engagement, JANUARY).issue.why == why
    with pytest.raises(Conflict, match=why):
        issue_invoice(session, issuer, engagement, JANUARY, workshop)
    settle_period(session, actor, engagement, FEBRUARY, workshop)
    issuer = approve(session, engagement, FEBRUARY)
    assert issue_invoice(session, issuer, engagement, FEBRUARY, workshop).sequence == 1
    stated = _stated(session, actor, engagement, FEBRUARY)
    amounts = {line["charge"]: line["amount"] for line in stated["lines"]}
    assert (stated["period"], stated["period_start"]) == ("2026-Q1", "2026-01-01")
    assert amounts["CH-01"] == "2000.00"
    assert amounts["CH-03"] == "-200.00"
    assert _stated(session, actor, engagement, JANUARY)["lines"] == []


def test_sealed_months_of_a_quarter_verify(session: Session, tmp_path: Path) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = _engagement(session, actor, tmp_path, _contract("quarter"))
    for month in (JANUARY, FEBRUARY):
        settle_period(session, actor, engagement, month, workshop)
        approve(session, engagement, month)
        seal = seal_of_period(session, engagement, month)
        assert seal is not None
        assert verify_seal(seal.document, seal.sha256, workshop.store.local).equal
        assert verify_charges(seal.document, workshop.store.local) == ()
