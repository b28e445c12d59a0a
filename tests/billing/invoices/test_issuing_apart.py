"""An invoice numbered in one transaction and drawn in another, from figures that still hold."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import Session

from billing.invoices.issuing import commit_issue, prepare_issue
from billing.invoices.models import InvoiceSeries
from billing.invoices.rendering import (
    draw_pdf,
    keep_pdf,
    pdf_source,
    render_pdf,
)
from billing.settlement.models import DocumentKind
from billing.settlement.queries import documents_of, find_settlement, get_document
from governance.errors import Conflict
from governance.tables import canonical_json, digest
from tests.billing.invoices.places import Place, approved, make_place, pending_pdfs
from tests.factories import (
    JANUARY,
    TextRenderer,
)


@pytest.fixture
def place(session: Session, tmp_path: Path) -> Place:
    return make_place(session, tmp_path)


def test_a_run_numbers_first_and_draws_the_pdf_apart(session: Session, place: Place) -> None:
    at = (place.engagement, JANUARY)
    prepared = prepare_issue(session, place.second, *at, place.workshop)
    with pytest.raises(Conflict, match="nobody has checked"):
        commit_issue(session, place.second, place.engagement, prepared)
    approved(session, place)
    copied = pickle.loads(pickle.dumps(prepared))  # noqa: S301 (our own bytes)
    invoice = commit_issue(session, place.second, place.engagement, copied)
    assert invoice.number == "CW-2026-00001"
    assert pending_pdfs(session) == [place.engagement.id]
    with pytest.raises(Conflict, match="isn't made yet"):
        get_document(session, place.first, *at, DocumentKind.INVOICE_PDF)
    sent = pickle.dumps(pdf_source(session, place.second, *at, place.workshop))
    source = pickle.loads(sent)  # noqa: S301 (our own bytes)
    drawn = draw_pdf(source, TextRenderer())
    kept = keep_pdf(session, place.second, place.engagement, drawn)
    assert kept.data == b"CW-2026-00001 2026-01 1079.03"
    assert kept.template_version == TextRenderer().template_version()
    again = replace(drawn, data=b"another")
    assert keep_pdf(session, place.second, place.engagement, again).data == kept.data
    assert pending_pdfs(session) == []
    with pytest.raises(Conflict, match="made already"):
        render_pdf(session, place.second, *at, place.workshop)


def test_a_pdf_is_made_of_issued_invoices_only(session: Session, place: Place) -> None:
    with pytest.raises(Conflict, match="isn't issued"):
        render_pdf(session, place.second, place.engagement, JANUARY, place.workshop)


def test_what_was_settled_anew_since_it_was_prepared_is_not_issued(
    session: Session, place: Place
) -> None:
    prepared = prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)
    approved(session, place)
    for other in (
        replace(prepared, settlement_id=0),
        replace(prepared, digests={**prepared.digests, "invoice.json": digest(b"")}),
    ):
        with pytest.raises(Conflict, match="settled anew meanwhile"):
            commit_issue(session, place.second, place.engagement, other)
    assert list(session.scalars(select(InvoiceSeries))) == []


def test_figures_kept_by_an_earlier_release_in_fewer_keys_and_other_words_still_hold(
    session: Session, place: Place
) -> None:
    row = find_settlement(session, place.manager, place.engagement, JANUARY)
    document = documents_of(session, row)[DocumentKind.INVOICE]
    stated = json.loads(document.data)
    for key in ("allowances", "language", "type"):
        del stated[key]
    document.data = canonical_json(stated)
    document.sha256 = digest(document.data)
    session.flush()
    prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)
    stated["lines"][0]["steps"][0]["text"] = "worded as it was then"
    document.data = canonical_json(stated)
    document.sha256 = digest(document.data)
    session.flush()
    prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)
    stated["payable"] = "1.00"
    document.data = canonical_json(stated)
    document.sha256 = digest(document.data)
    session.flush()
    with pytest.raises(Conflict, match="no longer comes out"):
        prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)
