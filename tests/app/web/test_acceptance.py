"""Buttons of agreement: shown to who may press them, and a sentence to everybody else."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlmodel import Session, col

from app.database import session_scope
from governance.access import Role, Side
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import actor_of, contract_bytes, make_employee, make_role

ENGAGEMENT = "/engagements/ENG-1"
PERIOD = f"{ENGAGEMENT}/periods/2026-01"
ISSUE = f"{PERIOD}/invoice/issue"
ACCEPT_FIGURES = "Accept the figures"
ACCEPT_VERSION = "Accept this version"


def _get(world: World, user: User, path: str) -> str:
    with world.signed_in(user) as (browser, _):
        answer = browser.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


def _post(world: World, user: User, path: str, **form: str) -> int:
    with world.signed_in(user) as (browser, token):
        return browser.post(path, data={"csrf_token": token} | form).status_code


def _engagement(session: Session) -> Engagement:
    return session.scalars(select(Engagement).where(col(Engagement.reference) == "ENG-1")).one()


def test_figures_wait_for_the_client_and_are_accepted_once(own_world: World) -> None:
    for user in (own_world.manager, own_world.billing, own_world.finance, own_world.auditor):
        page = _get(own_world, user, PERIOD)
        assert ACCEPT_FIGURES not in page
        assert "Waits for the client" in page
        assert _post(own_world, user, f"{PERIOD}/accept") == 403
    page = _get(own_world, own_world.chair, PERIOD)
    assert ACCEPT_FIGURES in page
    assert "1,079.03" in page
    found = re.search(r'name="settlement" value="(\d+)"', page)
    assert found
    assert _post(own_world, own_world.chair, f"{PERIOD}/accept", settlement=found[1]) == 303
    assert _post(own_world, own_world.chair, f"{PERIOD}/accept", settlement=found[1]) == 409
    page = _get(own_world, own_world.manager, PERIOD)
    assert "Accepted</strong> by Ada Person for the client" in page
    assert "Waits for the client" not in page


def test_figures_that_were_settled_anew_are_not_accepted_unseen(own_world: World) -> None:
    form = {"period": "2026-01"}
    assert _post(own_world, own_world.billing, f"{ENGAGEMENT}/periods", **form) == 303
    assert _post(own_world, own_world.chair, f"{PERIOD}/accept", settlement="1") == 409
    assert _post(own_world, own_world.chair, f"{PERIOD}/accept", settlement="x") == 422
    assert _post(own_world, own_world.chair, f"{PERIOD}/accept") == 422


def test_the_providers_employee_with_a_clients_role_has_no_button(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        user = make_employee(session, _engagement(session), Side.PROVIDER)
        make_role(session, _engagement(session), user, Role.COMMITTEE_CHAIR)
    assert ACCEPT_FIGURES not in _get(own_world, user, PERIOD)
    assert _post(own_world, user, f"{PERIOD}/accept", settlement="1") == 403
    assert _post(own_world, user, f"{ENGAGEMENT}/contracts/1/accept") == 403


def test_an_invoice_is_issued_step_by_step(own_world: World) -> None:
    invoice = f"{PERIOD}/invoice"
    assert "hasn&#39;t accepted the figures yet" in _get(own_world, own_world.billing, invoice)
    assert _post(own_world, own_world.billing, ISSUE) == 409
    _post(own_world, own_world.chair, f"{PERIOD}/accept", settlement="1")
    page = _get(own_world, own_world.billing, invoice)
    assert "accepted this version of the contract yet" in page
    assert "Issue the invoice" not in page
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/1/accept") == 303
    assert "you settled this period" in _get(own_world, own_world.manager, invoice)
    assert "you settled this period" in _get(own_world, own_world.manager, ISSUE)
    assert _post(own_world, own_world.manager, ISSUE) == 403
    assert f'href="{ISSUE}"' in _get(own_world, own_world.billing, invoice)
    confirm = _get(own_world, own_world.billing, ISSUE)
    for part in ("CW-{year}-{sequence:05}", "1,079.03", "frozen", "Issue the invoice</button>"):
        assert part in confirm
    assert _post(own_world, own_world.billing, ISSUE) == 303
    assert "CW-" in _get(own_world, own_world.finance, PERIOD)
    assert "issued already" in _get(own_world, own_world.billing, ISSUE)


def test_an_amendment_is_shown_with_what_it_changes(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        data = contract_bytes(expected="91.5").replace(b"title: Collections\n", b"title: Cash\n")
        add_contract(session, actor_of(own_world.manager), "v2.yaml", data)
    review = f"{ENGAGEMENT}/contracts/2/review"
    for user in (own_world.manager, own_world.finance, own_world.auditor):
        page = _get(own_world, user, review)
        assert ACCEPT_VERSION not in page
        assert "91.5" in page
        assert _post(own_world, user, f"{ENGAGEMENT}/contracts/2/accept") == 403
    page = _get(own_world, own_world.chair, ENGAGEMENT)
    assert "Proposed by the provider" in page
    assert "<h1>Collections</h1>" in page
    assert ACCEPT_VERSION in _get(own_world, own_world.chair, review)
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/2/accept") == 303
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/contracts/2/accept") == 409
    page = _get(own_world, own_world.finance, ENGAGEMENT)
    assert "<h1>Cash</h1>" in page
    assert "for the client" in _get(own_world, own_world.finance, review)


def test_versions_that_are_not_there_are_not_found(world: World) -> None:
    with world.signed_in(world.chair) as (browser, token):
        for number in ("9", "99999999999999999999"):
            path = f"{ENGAGEMENT}/contracts/{number}"
            assert browser.get(f"{path}/review").status_code == 404
            answer = browser.post(f"{path}/accept", data={"csrf_token": token})
            assert answer.status_code == 404
