"""Figures: settled and submitted by the provider, agreed and sealed by the client, then issued."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from billing.invoices.service import issue_invoice
from billing.settlement.acceptance import agreement_of, state_of_period
from billing.settlement.reviewing import (
    seal_period,
    submission_seen,
    submit_period,
)
from governance.access import Role, Side, State, Verdict
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.engagements.service import add_contract
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.parties.models import Membership
from governance.tables import digest
from sla.evidence.service import Upload, hand_in
from sla.measurements.models import MeasurementRecord
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.judging import agree_items, contest_item, reply, withdraw_contest
from sla.reviews.queries import seal_of, sealed_periods
from sla.reviews.service import begin_review, recall_figures
from sla.reviews.turns import Proposal
from sla.reviews.values import Ruling
from tests.billing.settlement.scenes import Scene
from tests.factories import (
    FEBRUARY,
    JANUARY,
    RECEIPTS,
    agree,
    check_and_approve,
    contract_bytes,
    make_actor,
    make_employee,
    make_member,
    make_role,
    write_evidence_folder,
)


def test_a_period_goes_from_open_to_issued_step_by_step(session: Session, scene: Scene) -> None:
    place = (scene.engagement, JANUARY, scene.workshop)
    assert state_of_period(session, None) is State.OPEN
    assert scene.state == State.SETTLED
    for actor, why in ((scene.finance, "hasn't submitted"), (scene.chair, "none of your roles")):
        with pytest.raises((Conflict, Forbidden), match=why):
            issue_invoice(session, actor, *place)
    with pytest.raises(Conflict, match="hasn't submitted"):
        scene.seal()
    submission = scene.submit()
    assert scene.state == State.SUBMITTED
    assert scene.states() == {"SL-01": "open", "CH-01": "open", "CH-02": "open"}
    begin_review(session, scene.chair, scene.engagement, submission)
    assert scene.state == State.UNDER_REVIEW
    assert agree_items(session, scene.chair, scene.engagement, submission) == 3
    assert scene.state == State.AGREED
    with pytest.raises(Conflict, match="accepted version 1 of the contract"):
        scene.seal()
    agree(session, scene.engagement)
    scene.seal()
    assert scene.state == State.SEALED
    with pytest.raises(Forbidden, match="you settled this period"):
        issue_invoice(session, scene.manager, *place)
    with pytest.raises(Conflict, match="nobody has checked"):
        issue_invoice(session, scene.finance, *place)
    check_and_approve(session, scene.engagement, JANUARY)
    issue_invoice(session, scene.finance, *place)
    assert scene.state == State.ISSUED
    with pytest.raises(Conflict, match=r"issued and can't change.*restatement"):
        scene.settle()


def test_after_the_seal_nothing_is_settled_or_said(session: Session, scene: Scene) -> None:
    agree(session, scene.engagement)
    submission = scene.submit()
    scene.seal()
    with pytest.raises(Conflict, match="sealed; corrected evidence makes a restatement"):
        scene.settle()
    with pytest.raises(Conflict, match="sealed"):
        scene.seal()
    with pytest.raises(Conflict, match="sealed"):
        scene.submit()
    item = scene.item("SL-01")
    with pytest.raises(Conflict, match="sealed"):
        contest_item(session, scene.chair, scene.engagement, submission, item, reason="late")
    with pytest.raises(Conflict, match="sealed"):
        reply(session, scene.manager, scene.engagement, submission, item, text="late")


def test_the_seal_keeps_all_that_the_figures_follow_from(session: Session, scene: Scene) -> None:
    agree(session, scene.engagement)
    scene.submit()
    scene.seal()
    seal = seal_of(session, scene.settled.measured_period_id)
    assert seal is not None
    assert sealed_periods(session, scene.engagement) == (seal,)
    assert digest(seal.document) == seal.sha256
    event = next(
        one
        for one in events_of(session, scene.engagement.id)
        if one.action is Action.FIGURES_SEALED
    )
    assert seal.sha256 in (event.after or "")
    content = json.loads(seal.document)
    (measured,) = session.scalars(
        select(MeasurementRecord).where(
            col(MeasurementRecord.measured_period_id) == seal.measured_period_id
        )
    )
    (result,) = content["measurements"]["results"]
    assert result["unrounded"].startswith(str(measured.unrounded)[:8])
    assert (content["contract"]["version"], content["period"]["start"]) == (1, "2026-01-01")
    assert digest(content["contract"]["document"].encode()) == content["contract"]["sha256"]
    assert {one["name"] for one in content["definitions"]} == {
        "collected_within_terms",
        "invoices_issued",
    }
    assert all(digest(one["text"].encode()) == one["sha256"] for one in content["definitions"])
    assert {one["dataset"] for one in content["evidence"]} == {
        "invoices",
        "receipts",
        "allocations",
    }
    assert content["calendars"]["time_zone"] == "Europe/Berlin"
    assert {one["agreed_by"] for one in content["items"]} == {scene.chair.user_id}
    assert content["sealed"]["by"] == scene.chair.user_id


def test_a_seal_never_changes(session: Session, scene: Scene) -> None:
    agree(session, scene.engagement)
    scene.submit()
    row = seal_period(session, scene.chair, scene.engagement, JANUARY, scene.workshop.catalogue)
    row.document = b"{}"
    with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
        session.flush()


def test_only_the_client_agrees_and_seals(session: Session, scene: Scene) -> None:
    employee = make_employee(session, scene.engagement, Side.PROVIDER)
    disguised = make_role(session, scene.engagement, employee, Role.CLIENT_COMMITTEE)
    outsider = make_employee(session, scene.engagement, None)
    make_role(session, scene.engagement, outsider, Role.PROVIDER_FINANCE)
    both = make_role(session, scene.engagement, outsider, Role.CLIENT_COMMITTEE)
    auditor = make_member(session, scene.engagement, Role.AUDITOR)
    agree(session, scene.engagement)
    submission = scene.submit()
    for actor in (scene.manager, scene.finance, disguised, both, auditor):
        with pytest.raises(Forbidden):
            scene.seal(actor)
        with pytest.raises(Forbidden):
            agree_items(session, actor, scene.engagement, submission)
        with pytest.raises(Forbidden):
            begin_review(session, actor, scene.engagement, submission)
    with pytest.raises(NotFound):
        scene.seal(make_actor(session))
    with pytest.raises(NotFound):
        submit_period(session, scene.manager, scene.engagement, FEBRUARY)
    with pytest.raises(Forbidden, match="none of your roles"):
        submit_period(session, scene.chair, scene.engagement, JANUARY)
    scene.seal(make_member(session, scene.engagement, Role.CLIENT_COMMITTEE))


def test_who_submitted_never_judges_even_on_the_other_side(session: Session, scene: Scene) -> None:
    """Somebody submits for the provider, and works for the client by the time of the review."""
    user = make_employee(session, scene.engagement, Side.PROVIDER)
    turncoat = make_role(session, scene.engagement, user, Role.PROVIDER_FINANCE)
    submission = submit_period(session, turncoat, scene.engagement, JANUARY)
    (held,) = session.scalars(select(Membership).where(col(Membership.user_id) == user.id))
    held.role, user.organisation_id = Role.COMMITTEE_CHAIR, scene.engagement.client_id
    session.flush()
    with pytest.raises(Forbidden, match="your own"):
        agree_items(session, turncoat, scene.engagement, submission)
    with pytest.raises(Forbidden, match="your own"):
        scene.seal(turncoat)
    place = (scene.engagement, submission, scene.item("SL-01"))
    contest_item(session, scene.chair, *place, reason="the bank was closed")
    upheld = Proposal(Ruling.UPHELD, "it is right as it is")
    with pytest.raises(Forbidden, match="your own"):
        propose_decision(session, turncoat, *place, proposal=upheld)
    propose_decision(session, scene.manager, *place, proposal=upheld)
    with pytest.raises(Forbidden, match="your own"):
        answer_proposal(session, turncoat, *place, accepts=True)
    with pytest.raises(Conflict, match="something else was proposed"):
        answer_proposal(session, scene.chair, *place, accepts=True, seen=0)


def test_a_submission_is_taken_back_before_the_review(session: Session, scene: Scene) -> None:
    first = scene.submit()
    with pytest.raises(Conflict, match="submitted"):
        scene.submit()
    recall_figures(session, scene.finance, scene.engagement, first)
    assert scene.state == State.SETTLED
    with pytest.raises(Conflict, match="hasn't submitted"):
        begin_review(session, scene.chair, scene.engagement, first)
    second = scene.submit()
    assert second.number == 2
    begin_review(session, scene.chair, scene.engagement, second)
    with pytest.raises(Conflict, match="reviewing"):
        recall_figures(session, scene.manager, scene.engagement, second)


def test_items_are_contested_with_a_reason_and_answered(session: Session, scene: Scene) -> None:
    submission, item = scene.submit(), scene.item("SL-01")
    for reason in ("", "   "):
        with pytest.raises(BadInput, match="a reason is missing"):
            contest_item(session, scene.chair, scene.engagement, submission, item, reason=reason)
    contest_item(session, scene.chair, scene.engagement, submission, item, reason="R-2 is late")
    assert scene.state == State.UNDER_REVIEW
    reply(session, scene.manager, scene.engagement, submission, item, text="it came on the 10th")
    agree_items(session, scene.chair, scene.engagement, submission)
    assert scene.states() == {"SL-01": "contested", "CH-01": "agreed", "CH-02": "agreed"}
    with pytest.raises(Conflict, match="not every figure"):
        scene.seal()
    view = next(one for one in scene.review.items if one.item.id == item)
    said = [(one.remark.act, one.remark.side, one.remark.text) for one in view.thread]
    assert said == [
        ("contest", "client", "R-2 is late"),
        ("reply", "provider", "it came on the 10th"),
    ]
    withdraw_contest(session, scene.chair, scene.engagement, submission, item)
    assert scene.states()["SL-01"] == "open"
    with pytest.raises(NotFound):
        contest_item(session, scene.chair, scene.engagement, submission, 99_999, reason="late")


def test_agreed_figures_stay_agreed_where_nothing_of_them_changed(
    session: Session, scene: Scene, tmp_path: Path
) -> None:
    """A corrected receipt moves no invoice; the contested thread comes along."""
    first = scene.submit()
    item = scene.item("SL-01")
    contest_item(session, scene.chair, scene.engagement, first, item, reason="R-9 is missing")
    agree_items(session, scene.chair, scene.engagement, first)
    more = RECEIPTS + "R-9,C-2,2026-02-11,EUR,5.00\n"
    source = write_evidence_folder(tmp_path / "corrected", receipts=more)
    hand_in(session, scene.manager, scene.engagement, Upload(source, "l"), scene.workshop.store)
    anew = scene.settle()
    assert scene.state == State.SETTLED
    with pytest.raises(Conflict, match="hasn't submitted"):
        contest_item(session, scene.chair, scene.engagement, first, item, reason="still")
    second = scene.submit()
    assert second.measured_period_id == anew.measured_period_id
    assert scene.states()["SL-01"] == "contested"
    assert len(next(one for one in scene.review.items if one.item.id == item).thread) == 1
    assert scene.states()["CH-01"] == "agreed"
    assert next(one for one in scene.review.items if one.item.key == "CH-01").carried
    with pytest.raises(Conflict, match="settled anew since you looked"):
        submission_seen(session, scene.chair, scene.engagement, JANUARY, first.id)


def test_figures_of_a_version_that_governs_no_more_are_not_sealed(
    session: Session, scene: Scene
) -> None:
    scene.submit()
    add_contract(session, scene.manager, "v2.yaml", contract_bytes(expected="30.0"))
    agree(session, scene.engagement)
    with pytest.raises(Conflict, match="version 2 of the contract governs"):
        scene.seal()
    assert agreement_of(session, scene.chair, scene.engagement, JANUARY).overtaken
    scene.settle()
    scene.submit()
    scene.seal()


def test_each_side_sees_what_is_missing(session: Session, scene: Scene) -> None:
    seen = agreement_of(session, scene.manager, scene.engagement, JANUARY)
    assert (seen.state, seen.seal, seen.contract_accepted) == (State.SETTLED, None, False)
    assert (seen.submit.allowed, seen.judge.allowed, seen.may_seal) == (True, False, False)
    agree(session, scene.engagement)
    scene.submit()
    seen = agreement_of(session, scene.chair, scene.engagement, JANUARY)
    assert (seen.judge.allowed, seen.may_seal, seen.issue.verdict) == (
        True,
        True,
        Verdict.FORBIDDEN,
    )
    scene.seal()
    seen = agreement_of(session, scene.finance, scene.engagement, JANUARY)
    assert (seen.state, seen.issue.allowed, seen.settle.allowed) == (State.SEALED, False, False)
    assert seen.issue.why == "nobody has checked the invoice yet"
    assert seen.sealed_by is not None
    assert seen.sealed_by.id == scene.chair.user_id
    seen = agreement_of(session, scene.manager, scene.engagement, JANUARY)
    assert "you settled this period" in seen.issue.why
    with pytest.raises(NotFound):
        agreement_of(session, make_actor(session), scene.engagement, JANUARY)


def test_a_conflict_without_exception_closes_approvals(session: Session, scene: Scene) -> None:
    agree(session, scene.engagement)
    user = make_employee(session, scene.engagement, Side.CLIENT)
    make_role(session, scene.engagement, user, Role.CLIENT_FINANCE)
    paying = make_role(session, scene.engagement, user, Role.CLIENT_COMMITTEE)
    submission = scene.submit()
    for act in (
        lambda: scene.seal(paying),
        lambda: agree_items(session, paying, scene.engagement, submission),
    ):
        with pytest.raises(Forbidden, match="pays what follows"):
            act()
    scene.seal()
    user = make_employee(session, scene.engagement, Side.PROVIDER)
    make_role(session, scene.engagement, user, Role.PROVIDER_ACCOUNT_MANAGER)
    both = make_role(session, scene.engagement, user, Role.PROVIDER_FINANCE)
    with pytest.raises(Forbidden, match="prepares the figures and issues"):
        issue_invoice(session, both, scene.engagement, JANUARY, scene.workshop)
    check_and_approve(session, scene.engagement, JANUARY)
    issue_invoice(session, scene.finance, scene.engagement, JANUARY, scene.workshop)
