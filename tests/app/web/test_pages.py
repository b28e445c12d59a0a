"""What pages show, and what their forms do."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from billing.invoices.models import FeeInvoice, InvoiceState
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import JANUARY, approve

PERIOD = "/engagements/ENG-1/periods/2026-01"
HTMX = {"HX-Request": "true"}


def test_every_figure_opens_down_to_its_rows(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        engagement = browser.get("/engagements/ENG-1").text
        period = browser.get(PERIOD).text
        result = browser.get(f"{PERIOD}/results/SL-01").text
    assert f'href="{PERIOD}"' in engagement
    assert f'href="{PERIOD}/results/SL-01"' in period
    for part in ("Schedule 2, 1", "collected_within_terms", "weight", "SELECT", "Rows 1 to 3 of 3"):
        assert part.lower() in result.lower()
    assert world.evidence_sha256 in period


def test_the_invoice_opens_to_clause_steps_and_rows(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        invoice = browser.get(f"{PERIOD}/invoice").text
        line = browser.get(f"{PERIOD}/invoice/lines/2").text
        fixed = browser.get(f"{PERIOD}/invoice/lines/1").text
        assert browser.get(f"{PERIOD}/invoice/lines/9").status_code == 404
    for part in ("1,000.00", "7.50", "Schedule 4, 2", "Below minimum", "−100.75", "1,079.03"):
        assert part in invoice
    assert "Rows 1 to 3 of 3" in line
    assert "the contract states its quantity" in fixed


def test_documents_leave_byte_for_byte(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        answer = browser.get(f"{PERIOD}/documents/invoice.json")
        assert browser.get(f"{PERIOD}/documents/other.json").status_code == 404
    assert json.loads(answer.content)["total"] == "1079.03"
    assert 'filename="ENG-1-2026-01-invoice.json"' in answer.headers["content-disposition"]


def test_rows_come_in_pages_as_a_part_or_as_a_page(world: World) -> None:
    address = f"{PERIOD}/results/SL-01?from=2"
    with world.signed_in(world.manager) as (browser, _):
        page, part = browser.get(address), browser.get(address, headers=HTMX)
        assert browser.get(f"{PERIOD}/results/SL-01?from=-1").status_code == 400
        assert browser.get(f"{PERIOD}/results/SL-01?from=' OR 1=1--").status_code == 400
    for answer in (page, part):
        assert "Rows 3 to 3 of 3" in answer.text
        assert "Earlier rows" in answer.text
    assert "<html" in page.text
    assert "<html" not in part.text
    assert page.headers["vary"] == "HX-Request"


def test_a_period_is_settled_by_its_form(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "period": "2026-02"}
        answer = browser.post("/engagements/ENG-1/periods", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/engagements/ENG-1/periods/2026-02"
        assert browser.get(answer.headers["location"]).status_code == 200
        again = browser.post("/engagements/ENG-1/periods", data=form, headers=HTMX)
        assert again.headers["HX-Redirect"] == "/engagements/ENG-1/periods/2026-02"
        wrong = browser.post("/engagements/ENG-1/periods", data=form | {"period": "soon"})
    assert wrong.status_code == 422
    assert "&#39;soon&#39; is not a period" in wrong.text
    assert "a month as 2013-06" in wrong.text


def test_an_overlapping_period_is_refused_in_words(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "period": "2026-Q1"}
        answer = browser.post("/engagements/ENG-1/periods", data=form, headers=HTMX)
    assert answer.status_code == 409
    assert "overlaps" in answer.text
    assert "<html" not in answer.text


def test_the_invoice_is_issued_once(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        approve(session, engagement, JANUARY)
    with own_world.signed_in(own_world.billing) as (browser, token):
        form = {"csrf_token": token}
        first = browser.post(f"{PERIOD}/invoice/issue", data=form)
        second = browser.post(f"{PERIOD}/invoice/issue", data=form)
        page = browser.get(f"{PERIOD}/invoice").text
        settled = browser.post("/engagements/ENG-1/periods", data=form | {"period": "2026-01"})
    assert [first.status_code, second.status_code, settled.status_code] == [303, 409, 409]
    assert "Invoice CW-" in page
    assert "Issue the invoice" not in page
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        states = session.scalars(select(col(FeeInvoice.state))).all()
    assert states == [InvoiceState.ISSUED]


def test_a_period_that_is_not_settled_says_so(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        for label in ("2026-02", "never"):
            assert browser.get(f"/engagements/ENG-1/periods/{label}").status_code == 404


def test_who_has_no_engagement_learns_what_to_do(own_world: World) -> None:
    with own_world.signed_in(own_world.stranger) as (browser, _):
        page = browser.get("/engagements/ENG-2").text
    assert "No evidence yet" in page
    assert "Hand in evidence" in page


def test_the_auditor_sees_what_happened(world: World) -> None:
    with world.signed_in(world.auditor) as (browser, _):
        page = browser.get("/engagements/ENG-1/audit").text
    for part in ("opened the engagement", "handed in evidence:", "settled"):
        assert part in page
