"""Disputes raised by the client and answered by the provider, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from billing.credit_notes.calculation import Everything
from billing.credit_notes.issuing import issue_credit_note
from billing.credit_notes.reviewing import review
from billing.credit_notes.service import discard_credit_note, draw_up
from billing.disputes.models import Dispute, DisputeState, DisputeSubject
from billing.disputes.queries import Disputed, disputes_of, get_dispute, list_disputes
from billing.disputes.service import (
    NewDispute,
    accept_dispute,
    raise_dispute,
    redraw_credit_note,
    uphold_dispute,
    withdraw_dispute,
)
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from tests.billing.credit_notes.scenes import Scene, make_scene
from tests.factories import make_actor

_LINE = NewDispute(DisputeSubject.LINE, "the desk was closed", Decimal("200.00"), 1)


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


def _raise(session: Session, scene: Scene, new: NewDispute = _LINE) -> Dispute:
    return raise_dispute(session, scene.client, scene.engagement, scene.invoice, new)


def test_a_dispute_names_its_line_amount_and_reason(session: Session, scene: Scene) -> None:
    dispute = _raise(session, scene)
    assert (dispute.reference, dispute.state, dispute.late) == ("D-1", DisputeState.OPEN, False)
    assert (dispute.position, dispute.amount.amount) == (1, Decimal("200.00"))
    found = get_dispute(session, scene.approver, scene.engagement, 1)
    assert (found.invoice.id, found.note) == (scene.invoice.id, None)
    event = events_of(session, scene.engagement.id)[0]
    assert (event.action, event.subject_label) == (Action.DISPUTE_RAISED, "D-1")


def test_all_of_it_is_disputed_without_an_amount(session: Session, scene: Scene) -> None:
    whole = NewDispute(DisputeSubject.WHOLE, "not what was agreed")
    assert _raise(session, scene, whole).amount_minor == 90675
    line = replace(_LINE, amount=None)
    assert _raise(session, scene, line).amount_minor == 90000
    credit = NewDispute(DisputeSubject.SERVICE_CREDIT, "SL-01 was missed too", Decimal("50.00"))
    assert _raise(session, scene, credit).position is None
    assert disputes_of(session, [scene.invoice.id, 999]) == {scene.invoice.id: Disputed(3, 185675)}
    listed = list_disputes(session, scene.client, scene.engagement, scene.invoice)
    assert [one.dispute.number for one in listed] == [3, 2, 1]


def test_accepting_in_part_draws_up_the_credit_note(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    place = (session, scene.preparer, scene.engagement)
    note = accept_dispute(*place, 1, reason="two days of it", amount=Decimal("80.00"))
    found = get_dispute(session, scene.client, scene.engagement, 1)
    assert (found.dispute.state, found.dispute.accepted_minor) == (
        DisputeState.PARTLY_ACCEPTED,
        8000,
    )
    assert found.note is note
    assert disputes_of(session, [scene.invoice.id]) == {scene.invoice.id: Disputed(1, 8000)}
    drafted = review(*place, note.draft_number)
    assert drafted.document.correction == "Dispute D-1: two days of it"
    assert str(drafted.figures.payable) == "95.20"
    with pytest.raises(Forbidden, match="drew up"):
        issue_credit_note(*place, note.draft_number)
    approver = (session, scene.approver, scene.engagement)
    assert issue_credit_note(*approver, note.draft_number).number
    assert disputes_of(session, [scene.invoice.id]) == {}


def test_accepting_all_of_the_whole_invoice_credits_every_line(
    session: Session, scene: Scene
) -> None:
    _raise(session, scene, NewDispute(DisputeSubject.WHOLE, "it was for another client"))
    place = (session, scene.preparer, scene.engagement)
    note = accept_dispute(*place, 1, reason="so it was")
    assert note.payable_minor == scene.invoice.payable_minor
    assert get_dispute(*place, 1).dispute.state is DisputeState.ACCEPTED


def test_a_discarded_credit_note_is_drawn_up_anew(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    place = (session, scene.preparer, scene.engagement)
    with pytest.raises(Conflict, match="nothing of D-1 was accepted"):
        redraw_credit_note(*place, 1)
    note = accept_dispute(*place, 1, reason="so it was")
    with pytest.raises(Conflict, match="D-1 has credit note draft 1"):
        redraw_credit_note(*place, 1)
    discard_credit_note(*place, note.draft_number)
    again = redraw_credit_note(*place, 1)
    assert (again.draft_number, again.payable_minor) == (2, note.payable_minor)
    assert get_dispute(*place, 1).note is again


def test_upholding_needs_a_reason_and_ends_it(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    place = (session, scene.preparer, scene.engagement)
    with pytest.raises(BadInput, match="reason"):
        uphold_dispute(*place, 1, " ")
    assert uphold_dispute(*place, 1, "the log shows it open").state is DisputeState.UPHELD
    for again in (
        lambda: uphold_dispute(*place, 1, "once more"),
        lambda: accept_dispute(*place, 1, reason="after all"),
        lambda: withdraw_dispute(session, scene.client, scene.engagement, 1),
    ):
        with pytest.raises(Conflict, match="D-1 is upheld already"):
            again()
    assert _raise(session, scene).number == 2


def test_the_client_withdraws(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    with pytest.raises(Conflict, match="in dispute already, as D-1"):
        _raise(session, scene)
    withdrawn = withdraw_dispute(session, scene.client, scene.engagement, 1)
    assert withdrawn.state is DisputeState.WITHDRAWN
    assert withdrawn.withdrawn_by_id == scene.client.user_id


def test_after_the_due_date_it_says_why_only_now(session: Session, scene: Scene) -> None:
    assert scene.invoice.due_on
    days = scene.invoice.due_on - scene.client.at.date()
    last = replace(scene.client, at=scene.client.at + days)
    late = replace(last, at=last.at + timedelta(days=1))
    assert _raise(session, replace(scene, client=last)).late is False
    other = replace(_LINE, position=2, amount=None)
    with pytest.raises(BadInput, match="was due on 2026-04-01"):
        _raise(session, replace(scene, client=late), other)
    told = replace(other, remark="the auditor found it in May")
    dispute = _raise(session, replace(scene, client=late), told)
    assert (dispute.late, dispute.remark) == (True, "the auditor found it in May")


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (replace(_LINE, amount=Decimal("900.01")), "at most 900.00"),
        (replace(_LINE, amount=Decimal(0)), "more than 0"),
        (replace(_LINE, amount=Decimal("1.001")), "so much can't be disputed"),
        (replace(_LINE, position=3), "no such line"),
        (replace(_LINE, position=None), "no such line"),
        (replace(_LINE, reason=""), "reason is missing"),
    ],
)
def test_what_cant_be_disputed(
    session: Session, scene: Scene, new: NewDispute, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        _raise(session, scene, new)


def test_what_is_credited_already_is_no_longer_in_dispute(session: Session, scene: Scene) -> None:
    place = (session, scene.preparer, scene.engagement)
    note = draw_up(*place, scene.invoice, Everything(), "wrong client")
    _raise(session, scene)
    approver = (session, scene.approver, scene.engagement)
    issue_credit_note(*approver, note.draft_number)
    with pytest.raises(BadInput, match="nothing is left"):
        _raise(session, scene, replace(_LINE, position=2, amount=None))
    with pytest.raises(BadInput, match="credited in full"):
        accept_dispute(*place, 1, reason="as it was")


def test_no_more_is_accepted_than_is_disputed(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    place = (session, scene.preparer, scene.engagement, 1)
    for amount in ("200.01", "0", "-1", "1.005"):
        with pytest.raises(BadInput, match="than is disputed"):
            accept_dispute(*place, reason="yes", amount=Decimal(amount))


def test_each_side_has_its_part(session: Session, scene: Scene) -> None:
    stranger = make_actor(session)
    for actor, error in ((scene.preparer, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            _raise(session, replace(scene, client=actor))
    _raise(session, scene)
    for actor, error in ((scene.client, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            uphold_dispute(session, actor, scene.engagement, 1, "no")
        with pytest.raises(error):
            accept_dispute(session, actor, scene.engagement, 1, reason="yes")
    with pytest.raises(NotFound):
        get_dispute(session, scene.client, scene.engagement, 2)


def test_what_was_disputed_never_changes(session: Session, scene: Scene) -> None:
    _raise(session, scene)
    for statement in ("UPDATE dispute SET amount_minor = 1", "DELETE FROM dispute"):
        with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
            session.execute(text(statement))
