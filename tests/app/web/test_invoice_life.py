"""The pages of an invoice's life: what they offer to whom, and what they say why not."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.settlement.service import settle_period
from governance.access import Role
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import JANUARY, actor_of, agree, approve, make_member, seal

INVOICE = "/engagements/ENG-1/periods/2026-01/invoice"


def test_an_estimate_is_marked_and_offers_no_approval(world: World) -> None:
    with world.signed_in(world.billing) as (browser, _):
        page = browser.get(INVOICE).text
        listed = browser.get("/engagements/ENG-1/invoices").text
    assert "An estimate:" in page
    assert "Say that it is checked" in page
    assert "Approve it" not in page
    assert "Not issued yet" in listed
    assert INVOICE in listed


def test_it_is_checked_taken_back_approved_and_issued(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        agree(session, engagement)
        client = make_member(session, engagement, Role.CLIENT_COMMITTEE)
        seal(session, engagement, JANUARY, client)
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token}
        assert browser.post(f"{INVOICE}/check", data=form).status_code == 303
        page = browser.get(INVOICE).text
        assert "Not to be approved by you now: you settled this period or checked" in page
        without = browser.post(f"{INVOICE}/check/take-back", data=form)
        assert without.status_code == 422
        back = browser.post(f"{INVOICE}/check/take-back", data=form | {"reason": "an <order>"})
        assert back.status_code == 303
        assert "an &lt;order&gt;" in browser.get(INVOICE).text
        browser.post(f"{INVOICE}/check", data=form)
    with own_world.signed_in(own_world.billing) as (browser, token):
        form = {"csrf_token": token}
        assert "Approve it" in browser.get(INVOICE).text
        assert browser.post(f"{INVOICE}/approve", data=form).status_code == 303
        second = browser.post(f"{INVOICE}/approve", data=form)
        assert second.status_code == 409
        assert "approved already" in second.text
        assert "Take the approval back" in browser.get(INVOICE).text
        assert "Checked" in browser.get(f"{INVOICE}/issue").text
        assert browser.post(f"{INVOICE}/issue", data=form).status_code == 303
        page = browser.get(INVOICE).text
        listed = browser.get("/engagements/ENG-1/invoices").text
    assert "1,079.03 open" in page
    assert "Template of the PDF" in page
    assert "1,079.03" in listed


def test_a_pdf_that_is_not_made_yet_is_made_on_demand(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        issuer = approve(session, engagement, JANUARY)
        workshop = own_world.app.state.workshop
        prepared = prepare_issue(session, issuer, engagement, JANUARY, workshop)
        commit_issue(session, issuer, engagement, prepared)
    with own_world.signed_in(own_world.billing) as (browser, token):
        page = browser.get(INVOICE).text
        assert "its PDF isn’t made yet" in page
        assert "Download PDF" not in page
        early = browser.get("/engagements/ENG-1/periods/2026-01/documents/invoice.pdf")
        assert early.status_code == 409
        form = {"csrf_token": token}
        assert browser.post(f"{INVOICE}/pdf", data=form).status_code == 303
        assert browser.post(f"{INVOICE}/pdf", data=form).status_code == 409
        assert "Download PDF" in browser.get(INVOICE).text


def test_a_draft_computed_again_says_what_changed(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        settle_period(
            session,
            actor_of(own_world.manager),
            engagement,
            JANUARY,
            own_world.app.state.workshop,
        )
    with own_world.signed_in(own_world.manager) as (browser, _):
        page = browser.get(INVOICE).text
    assert "What changed since the last draft" in page
    assert "states the same" in page
