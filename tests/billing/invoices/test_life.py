"""An invoice's life in the database: each step once, by whom it may, and each draft's changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from app.database import session_scope
from billing.invoices.approving import (
    approve_invoice,
    check_invoice,
    take_back_approval,
    take_back_check,
)
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.invoices.models import FeeInvoice, InvoiceSeries, InvoiceState
from billing.invoices.service import invoices_of, issue_invoice
from billing.invoices.standings import standings_of
from billing.invoices.steps import steps_of
from billing.invoices.values import Act
from billing.settlement.acceptance import agreement_of
from billing.settlement.queries import find_settlement
from billing.settlement.service import settle_period
from billing.settlement.staleness import out_of_date
from governance.access import Role
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.contract.reading import read_contract
from governance.engagements.service import add_contract
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import signatures
from tests.billing.invoices.places import Place, approved, draft_of, make_place
from tests.factories import (
    INVOICES,
    JANUARY,
    NOW,
    agree,
    contract_bytes,
    make_actor,
    make_evidence,
    make_member,
    make_workshop,
    seal,
    write_evidence_folder,
)

PARALLEL = 20


@pytest.fixture
def place(session: Session, tmp_path: Path) -> Place:
    return make_place(session, tmp_path)


def test_each_step_says_who_took_it_and_why_it_was_taken_back(
    session: Session, place: Place
) -> None:
    at = (place.engagement, JANUARY)
    check_invoice(session, place.first, *at)
    take_back_check(session, place.second, *at, " the order number is missing ")
    check_invoice(session, place.manager, *at)
    with pytest.raises(Forbidden, match="you settled this period or checked"):
        approve_invoice(session, place.manager, *at)
    approve_invoice(session, place.second, *at)
    with pytest.raises(Conflict, match="take the approval back first"):
        take_back_check(session, place.first, *at, "late")
    take_back_approval(session, place.first, *at, "the client asked to wait")
    invoice = draft_of(session, place)
    assert (invoice.state, invoice.approved_by_id) == (InvoiceState.CHECKED, None)
    assert invoice.checked_by_id == place.manager.user_id
    assert [(one.act, one.reason) for one in steps_of(session, invoice)] == [
        ("check", ""),
        ("take_back_check", "the order number is missing"),
        ("check", ""),
        ("approve", ""),
        ("take_back_approval", "the client asked to wait"),
    ]
    latest = events_of(session, place.engagement.id)[0]
    assert latest.action is Action.INVOICE_APPROVAL_TAKEN_BACK


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001])
def test_nothing_is_taken_back_without_a_reason(
    session: Session, place: Place, reason: str
) -> None:
    check_invoice(session, place.first, place.engagement, JANUARY)
    with pytest.raises(BadInput, match="say why"):
        take_back_check(session, place.first, place.engagement, JANUARY, reason)
    assert draft_of(session, place).state is InvoiceState.CHECKED


def test_steps_are_for_members_with_the_permission(session: Session, place: Place) -> None:
    client = make_member(session, place.engagement, Role.CLIENT_FINANCE)
    for step in (check_invoice, approve_invoice):
        with pytest.raises(Forbidden, match="none of your roles"):
            step(session, client, place.engagement, JANUARY)
        with pytest.raises(NotFound):
            step(session, make_actor(session), place.engagement, JANUARY)


def test_an_estimate_is_checked_but_never_approved_and_loses_its_check(
    session: Session, tmp_path: Path
) -> None:
    place = make_place(session, tmp_path, sealed=False)
    at = (place.engagement, JANUARY)
    check_invoice(session, place.first, *at)
    assert agreement_of(session, place.first, *at).invoice.estimate
    with pytest.raises(Conflict, match="hasn't submitted the figures"):
        approve_invoice(session, place.second, *at)
    checked = draft_of(session, place)
    settle_period(session, place.manager, *at, place.workshop)
    draft = draft_of(session, place)
    session.refresh(checked)
    assert (draft.state, draft.checked_by_id) == (InvoiceState.DRAFT, None)
    assert (checked.state, draft.replaces_id) == (InvoiceState.SUPERSEDED, checked.id)
    assert draft.changes_json == "[]"
    assert [one.act for one in steps_of(session, checked)] == ["check", "supersede"]


def test_a_new_draft_says_what_changed(session: Session, tmp_path: Path) -> None:
    place = make_place(session, tmp_path, sealed=False)
    dearer = contract_bytes().replace(b'"1000.00"', b'"1100.00"')
    add_contract(session, place.manager, "v2.yaml", dearer)
    agree(session, place.engagement)
    assert (
        "settle the period again"
        in agreement_of(session, place.first, place.engagement, JANUARY).steps[Act.CHECK].why
    )
    settle_period(session, place.manager, place.engagement, JANUARY, place.workshop)
    changes = json.loads(draft_of(session, place).changes_json or "")
    assert changes[0] | {"note": ""} == {
        "part": "line",
        "kind": "changed",
        "title": "Service desk",
        "before": "1000.00",
        "after": "1100.00",
        "note": "",
    }
    assert {"payable", "terms"} <= {one["part"] for one in changes}


def test_new_evidence_puts_a_draft_out_of_date_until_it_is_computed_again(
    session: Session, tmp_path: Path
) -> None:
    place = make_place(session, tmp_path, sealed=False)
    at = (place.engagement, JANUARY)

    def why() -> str:
        row = find_settlement(session, place.manager, *at)
        return out_of_date(session, place.engagement, row)

    assert why() == ""
    more = INVOICES + "I-9,C-2,2026-01-28,2026-02-20,EUR,10.00\n"
    source = write_evidence_folder(tmp_path / "more", invoices=more)
    upload = Upload(source, "more")
    hand_in(session, place.manager, place.engagement, upload, place.workshop.store)
    assert "evidence was handed in" in why()
    with pytest.raises(Conflict, match="settle the period again"):
        check_invoice(session, place.first, *at)
    settle_period(session, place.manager, *at, place.workshop)
    assert why() == ""
    check_invoice(session, place.first, *at)
    changes = json.loads(draft_of(session, place).changes_json or "")
    assert [(one["title"], one["note"]) for one in changes][:1] == [
        ("Invoices issued", "3 → 4 invoices_issued")
    ]


def test_above_the_limit_of_the_contract_another_has_to_approve(
    session: Session, tmp_path: Path
) -> None:
    limit = b"approval_limits: [{role: provider_finance, up_to: 500}], every: month,"
    data = contract_bytes("ENG-7").replace(b"every: month,", limit)
    assert read_contract(data, "c.yaml", signatures()).invoicing.approval_limits
    manager, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = add_contract(session, manager, "c.yaml", data).engagement
    make_evidence(session, manager, engagement, tmp_path)
    settle_period(session, manager, engagement, JANUARY, workshop)
    agree(session, engagement)
    seal(session, engagement, JANUARY, make_member(session, engagement, Role.COMMITTEE_CHAIR))
    finance = make_member(session, engagement, Role.PROVIDER_FINANCE)
    check_invoice(session, manager, engagement, JANUARY)
    with pytest.raises(Forbidden, match=r"up to 500\.00 EUR, and this is 1079\.03"):
        approve_invoice(session, finance, engagement, JANUARY)
    other = make_member(session, engagement, Role.PROVIDER_ACCOUNT_MANAGER)
    assert approve_invoice(session, other, engagement, JANUARY).state is InvoiceState.APPROVED


def test_an_issued_invoice_stands_open(session: Session, place: Place) -> None:
    approved(session, place)
    issue_invoice(session, place.second, place.engagement, JANUARY, place.workshop)
    found = invoices_of(session, place.first, place.engagement)
    (standing,) = standings_of(session, found, NOW.date()).values()
    assert (standing.stage, f"{standing.open}", standing.overdue) == ("issued", "1079.03", False)


_SKIPPED = (
    "UPDATE fee_invoice SET state = 'approved', approved_at = created_at, approved_by_id = 2",
    (
        "UPDATE fee_invoice SET state = 'issued', number = 'X', sequence = 1,"
        " issued_on = period_end, due_on = period_end"
    ),
)


def test_the_database_lets_no_state_be_skipped(session: Session, place: Place) -> None:
    for statement in _SKIPPED:
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(statement))
    check_invoice(session, place.first, place.engagement, JANUARY)
    session.flush()
    for statement in (
        _SKIPPED[1],
        "UPDATE fee_invoice SET payable_minor = 0, total_minor = 0",
        (
            "UPDATE fee_invoice SET state = 'approved', approved_at = created_at,"
            " approved_by_id = checked_by_id"
        ),
        "UPDATE fee_invoice_step SET reason = 'none'",
        "DELETE FROM fee_invoice_step",
    ):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(statement))


def _at_once(engine: Engine, work: Callable[[Session], object]) -> list[str]:
    """The same work by many at the same moment: what each of them was told."""

    def told(_number: int) -> str:
        try:
            with session_scope(engine, sees=EVERYTHING) as session:
                work(session)
        except Conflict as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(PARALLEL) as pool:
        return sorted(pool.map(told, range(PARALLEL)))


def test_of_many_at_once_one_approves_and_one_issues(fresh_engine: Engine, tmp_path: Path) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        place = make_place(session, tmp_path)
        check_invoice(session, place.first, place.engagement, JANUARY)
        prepared = prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)
    told = _at_once(
        fresh_engine,
        lambda session: approve_invoice(session, place.second, place.engagement, JANUARY),
    )
    assert told.count("done") == 1
    others = {one for one in told if one != "done"}
    assert others == {"the invoice is approved already (Ada Person, 2026-03-02)"}
    told = _at_once(
        fresh_engine,
        lambda session: commit_issue(session, place.second, place.engagement, prepared),
    )
    assert told.count("done") == 1
    assert {one for one in told if one != "done"} == {"the invoice is issued already"}
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        numbers = session.scalars(select(col(FeeInvoice.number))).all()
        (series,) = session.scalars(select(InvoiceSeries))
        acts = [one.act for one in steps_of(session, draft_of(session, place))]
    assert (list(numbers), series.last_sequence) == (["CW-2026-00001"], 1)
    assert acts == ["check", "approve", "issue"]


def test_taking_back_and_issuing_at_once_end_in_order(fresh_engine: Engine, tmp_path: Path) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        place = make_place(session, tmp_path)
        approved(session, place)
        prepared = prepare_issue(session, place.second, place.engagement, JANUARY, place.workshop)

    def either(number: int) -> str:
        try:
            with session_scope(fresh_engine, sees=EVERYTHING) as session:
                if number % 2:
                    commit_issue(session, place.second, place.engagement, prepared)
                    return "issued"
                take_back_approval(session, place.first, place.engagement, JANUARY, "wait")
        except Conflict:
            return "refused"
        return "taken back"

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = sorted(pool.map(either, range(PARALLEL)))
    assert answers.count("refused") == PARALLEL - 1
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        state = draft_of(session, place).state
    expected = InvoiceState.ISSUED if "issued" in answers else InvoiceState.CHECKED
    assert state is expected
