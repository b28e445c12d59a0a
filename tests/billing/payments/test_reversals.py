"""Write-offs reversed by two people, or by a payment that comes after all."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing.invoices.models import FeeInvoice
from billing.invoices.standing import Stage
from billing.invoices.standings import standings_of
from billing.payments.allocating import allocate, take_back
from billing.payments.models import WriteOff, WriteOffKind, WriteOffState
from billing.payments.queries import open_minor_of, reversals_of, written_off_of
from billing.payments.recording import Bounce, NewPayment, bounce_payment, record_payment
from billing.payments.reversals import (
    NewReversal,
    decide_reversal,
    propose_reversal,
    withdraw_reversal,
)
from billing.payments.values import Part
from billing.payments.write_offs import NewWriteOff, decide_write_off, propose_write_off
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from tests.billing.payments.scenes import Scene, make_invoice, make_scene
from tests.factories import NOW, contract_bytes

_DAY = date(2026, 3, 1)


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


def _written_off(session: Session, scene: Scene, *minor: int) -> tuple[FeeInvoice, list[WriteOff]]:
    """An invoice of 100.00 with amounts of it written off."""
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    rows = []
    for one in minor:
        new = NewWriteOff(invoice.id, one, WriteOffKind.BAD_DEBT, "insolvent")
        number = propose_write_off(session, scene.finance, scene.engagement, new).number
        verdict = WriteOffState.APPROVED
        rows.append(decide_write_off(session, scene.second, scene.engagement, number, verdict))
    return invoice, rows


def _open(session: Session, invoice: FeeInvoice) -> int:
    return open_minor_of(session, [invoice])[invoice.id]


def test_a_reversal_is_proposed_by_one_and_approved_by_another(
    session: Session, scene: Scene
) -> None:
    invoice, (written_off,) = _written_off(session, scene, 10000)
    place = (session, scene.finance, scene.engagement)
    new = NewReversal(written_off.number, 6000, "the administrator pays a quota")
    row = propose_reversal(*place, new)
    assert written_off_of(session, [invoice.id]) == {invoice.id: 10000}
    with pytest.raises(Conflict, match="still writes off"):
        propose_reversal(*place, new)
    with pytest.raises(Forbidden):
        decide_reversal(*place, row.number, WriteOffState.APPROVED)
    decide_reversal(session, scene.second, scene.engagement, row.number, WriteOffState.APPROVED)
    assert (row.reversed_on, _open(session, invoice)) == (NOW.date(), 6000)
    standing = standings_of(session, [invoice], NOW.date())[invoice.id]
    assert (standing.stage, standing.open) == (Stage.ISSUED, invoice.money(6000).amount)
    with pytest.raises(Conflict, match="approved already"):
        withdraw_reversal(*place, row.number)
    actions = [event.action for event in events_of(session, scene.engagement.id)][:2]
    assert actions == [Action.WRITE_OFF_REVERSAL_APPROVED, Action.WRITE_OFF_REVERSAL_PROPOSED]


def test_a_reversal_is_refused_withdrawn_or_of_nothing(session: Session, scene: Scene) -> None:
    invoice, (written_off,) = _written_off(session, scene, 300)
    place = (session, scene.finance, scene.engagement)
    other = (session, scene.second, scene.engagement)
    new = NewReversal(written_off.number, 300, "they will pay")
    number = propose_reversal(*place, new).number
    with pytest.raises(BadInput, match="reason"):
        decide_reversal(*other, number, WriteOffState.REFUSED)
    decide_reversal(*other, number, WriteOffState.REFUSED, "they won't")
    withdraw_reversal(*place, propose_reversal(*place, new).number)
    assert _open(session, invoice) == 9700
    proposed = propose_write_off(
        *place, NewWriteOff(invoice.id, 1, WriteOffKind.OTHER, "a cent")
    ).number
    with pytest.raises(Conflict, match="nothing to reverse"):
        propose_reversal(*place, NewReversal(proposed, 1, "x"))
    for wrong in (NewReversal(9, 1, "x"), NewReversal(1, 0, "x"), NewReversal(1, 1, " ")):
        with pytest.raises((NotFound, BadInput)):
            propose_reversal(*place, wrong)
    with pytest.raises(NotFound):
        decide_reversal(*other, 9, WriteOffState.APPROVED)


def test_nobody_approves_more_than_the_contract_lets_them(session: Session) -> None:
    limits = b"  approval_limits: [{role: provider_finance, up_to: 2.99}]\n"
    written = contract_bytes("ENG-1").replace(b"invoicing:\n", b"invoicing:\n" + limits)
    scene = make_scene(session, contract=written)
    _, (first, second) = _written_off(session, scene, 299, 299)
    place = (session, scene.finance, scene.engagement)
    numbers = [
        propose_reversal(*place, NewReversal(one.number, 299, "x")).number
        for one in (first, second)
    ]
    for number in numbers:
        decide_reversal(session, scene.second, scene.engagement, number, WriteOffState.APPROVED)


def test_a_late_payment_reverses_what_it_pays_the_newest_first(
    session: Session, scene: Scene
) -> None:
    invoice, (first, second) = _written_off(session, scene, 2000, 5000)
    place = (session, scene.finance, scene.engagement)
    payment = record_payment(*place, NewPayment(_DAY, "EUR", 9000))
    more = record_payment(*place, NewPayment(_DAY, "EUR", 10001)).number
    with pytest.raises(Conflict, match=r"only EUR 100\.00 is open"):
        allocate(*place, more, [Part(invoice.id, 10001)])
    (allocation,) = allocate(*place, payment.number, [Part(invoice.id, 9000)])
    found = [
        (one.write_off_id, one.amount_minor, one.payment_id, one.state)
        for one in reversals_of(session, [invoice.id])[invoice.id]
    ]
    assert found == [
        (second.id, 5000, payment.id, WriteOffState.APPROVED),
        (first.id, 1000, payment.id, WriteOffState.APPROVED),
    ]
    assert written_off_of(session, [invoice.id]) == {invoice.id: 1000}
    assert _open(session, invoice) == 0
    take_back(*place, payment.number, allocation.id, "for another invoice")
    assert _open(session, invoice) == 3000, "one person doesn't undo what two decided"
    assert written_off_of(session, [invoice.id]) == {invoice.id: 7000}
    back = [one.taken_back_on for one in reversals_of(session, [invoice.id])[invoice.id]]
    assert back == [NOW.date()] * 2


def test_what_the_payment_still_pays_stays_reversed(session: Session, scene: Scene) -> None:
    invoice, _ = _written_off(session, scene, 10000)
    place = (session, scene.finance, scene.engagement)
    number = record_payment(*place, NewPayment(_DAY, "EUR", 7000)).number
    (first,) = allocate(*place, number, [Part(invoice.id, 4000)])
    allocate(*place, number, [Part(invoice.id, 3000)])
    take_back(*place, number, first.id, "for another invoice")
    assert (written_off_of(session, [invoice.id])[invoice.id], _open(session, invoice)) == (7000, 0)
    bounce_payment(*place, number, Bounce(_DAY, "no funds"))
    assert written_off_of(session, [invoice.id]) == {invoice.id: 10000}


def test_the_database_lets_nobody_approve_their_own_reversal(
    session: Session, scene: Scene
) -> None:
    _, (written_off,) = _written_off(session, scene, 300)
    new = NewReversal(written_off.number, 300, "they will pay")
    row = propose_reversal(session, scene.finance, scene.engagement, new)
    row.state, row.reversed_on = WriteOffState.APPROVED, NOW.date()
    row.decided_at, row.decided_by_id = NOW, row.proposed_by_id
    with pytest.raises(IntegrityError, match="two_people"):
        session.flush()
    session.rollback()


def test_a_reversal_that_a_payment_overtook_is_told(session: Session, scene: Scene) -> None:
    invoice, (written_off,) = _written_off(session, scene, 10000)
    place = (session, scene.finance, scene.engagement)
    number = propose_reversal(*place, NewReversal(written_off.number, 10000, "they pay")).number
    payment = record_payment(*place, NewPayment(_DAY, "EUR", 1))
    allocate(*place, payment.number, [Part(invoice.id, 1)])
    with pytest.raises(Conflict, match="still writes off"):
        decide_reversal(session, scene.second, scene.engagement, number, WriteOffState.APPROVED)
