"""Payments recorded, allocated, taken back, refunded, bounced; and write-offs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

from billing.invoices.models import FeeInvoice, InvoiceState
from billing.payments.allocating import allocate, take_back
from billing.payments.models import Payment, WriteOffKind, WriteOffState
from billing.payments.queries import (
    allocations_of,
    balances_of,
    get_payment,
    open_minor_of,
    paid_of,
    payments_of,
    write_offs_in,
    write_offs_of,
    written_off_of,
)
from billing.payments.recording import (
    Bounce,
    NewPayment,
    Refund,
    bounce_payment,
    record_payment,
    refund_payment,
)
from billing.payments.values import Balance, Part
from billing.payments.write_offs import (
    NewWriteOff,
    decide_write_off,
    propose_write_off,
    withdraw_write_off,
)
from governance.access import Role
from governance.audit.models import Action
from governance.audit.service import events_of
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from tests.billing.payments.scenes import Scene, make_invoice, make_scene
from tests.factories import contract_bytes, make_member

_DAY = date(2026, 3, 1)


@pytest.fixture
def scene(session: Session) -> Scene:
    return make_scene(session)


def _pay(session: Session, scene: Scene, minor: int, currency: str = "EUR") -> Payment:
    new = NewPayment(_DAY, currency, minor, debtor="Nordlicht")
    return record_payment(session, scene.finance, scene.engagement, new)


def _allocate(session: Session, scene: Scene, payment: Payment, *parts: Part) -> None:
    allocate(session, scene.finance, scene.engagement, payment.number, parts)


def _balance(session: Session, payment: Payment) -> Balance:
    return balances_of(session, [payment])[payment.id]


def test_one_payment_pays_two_invoices_and_the_rest_goes_back(
    session: Session, scene: Scene
) -> None:
    first, second = (make_invoice(session, scene.engagement, at, 10000) for at in (1, 2))
    payment = _pay(session, scene, 16000)
    _allocate(session, scene, payment, Part(first.id, 10000), Part(second.id, 5000))
    assert paid_of(session, [first.id, second.id]) == {first.id: 10000, second.id: 5000}
    assert open_minor_of(session, [first, second]) == {first.id: 0, second.id: 5000}
    assert _balance(session, payment) == Balance(16000, 15000)
    refund = Refund(1000, _DAY, "paid too much")
    refund_payment(session, scene.finance, scene.engagement, payment.number, refund)
    assert _balance(session, payment).on_account_minor == 0
    with pytest.raises(Conflict, match="on account"):
        refund_payment(session, scene.finance, scene.engagement, payment.number, refund)
    (one,) = allocations_of(session, [second.id])[second.id]
    assert (one.payment, one.minor, one.paid_on, one.taken_back_on) == ("PAY-1", 5000, _DAY, None)


def test_never_more_than_the_payment_has_or_than_is_open(session: Session, scene: Scene) -> None:
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    small, large = _pay(session, scene, 4000), _pay(session, scene, 20000)
    with pytest.raises(Conflict, match=r"only EUR 40\.00 on account"):
        _allocate(session, scene, small, Part(invoice.id, 4001))
    with pytest.raises(Conflict, match=r"only EUR 100\.00 is open on CW-2026-00001"):
        _allocate(session, scene, large, Part(invoice.id, 10001))
    _allocate(session, scene, small, Part(invoice.id, 4000))
    with pytest.raises(Conflict, match=r"only EUR 60\.00 is open"):
        _allocate(session, scene, large, Part(invoice.id, 6001))
    for parts in ([], [Part(invoice.id, 0)], [Part(invoice.id, 1), Part(invoice.id, 2)]):
        with pytest.raises(BadInput):
            _allocate(session, scene, large, *parts)


def test_what_cannot_be_paid(session: Session, scene: Scene) -> None:
    draft = make_invoice(session, scene.engagement, 1, 10000, state=InvoiceState.DRAFT)
    dollars = make_invoice(session, scene.engagement, 2, 10000, currency="USD")
    payment = _pay(session, scene, 4000)
    with pytest.raises(Conflict, match="issued"):
        _allocate(session, scene, payment, Part(draft.id, 1))
    with pytest.raises(Conflict, match="is in USD"):
        _allocate(session, scene, payment, Part(dollars.id, 1))
    other = make_scene(session, "ENG-2")
    foreign = make_invoice(session, other.engagement, 3, 10000)
    with pytest.raises(NotFound):
        _allocate(session, scene, payment, Part(foreign.id, 1))
    with pytest.raises(NotFound):
        _allocate(session, other, payment, Part(foreign.id, 1))
    with pytest.raises(NotFound):
        get_payment(session, other.finance, other.engagement, 1)


def test_an_allocation_is_taken_back_with_a_reason(session: Session, scene: Scene) -> None:
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    payment = _pay(session, scene, 10000)
    _allocate(session, scene, payment, Part(invoice.id, 10000))
    row = allocations_of(session, [invoice.id])[invoice.id][0]
    place = (scene.finance, scene.engagement, payment.number)
    with pytest.raises(BadInput, match="reason"):
        take_back(session, *place, row.id, " ")
    take_back(session, *place, row.id, "it was for another invoice")
    with pytest.raises(Conflict):
        take_back(session, *place, row.id, "again")
    with pytest.raises(NotFound):
        take_back(session, *place, row.id + 1, "again")
    assert open_minor_of(session, [invoice])[invoice.id] == 10000
    assert _balance(session, payment) == Balance(10000)
    after = allocations_of(session, [invoice.id])[invoice.id][0]
    assert after.taken_back_on == scene.finance.at.date()


def test_a_bounced_payment_opens_what_it_paid(session: Session, scene: Scene) -> None:
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    payment = _pay(session, scene, 10000)
    _allocate(session, scene, payment, Part(invoice.id, 9000))
    place = (scene.finance, scene.engagement, payment.number)
    with pytest.raises(BadInput, match="after it came in"):
        bounce_payment(session, *place, Bounce(date(2026, 2, 1), "no funds"))
    bounce_payment(session, *place, Bounce(date(2026, 3, 5), "no funds"))
    assert _balance(session, payment) == Balance(10000, 0, 0, 10000)
    assert open_minor_of(session, [invoice])[invoice.id] == 10000
    assert allocations_of(session, [invoice.id])[invoice.id][0].taken_back_on == date(2026, 3, 5)
    with pytest.raises(Conflict, match="bounced already"):
        bounce_payment(session, *place, Bounce(date(2026, 3, 5), "no funds"))
    with pytest.raises(Conflict, match="on account"):
        _allocate(session, scene, payment, Part(invoice.id, 1))
    actions = [event.action for event in events_of(session, scene.engagement.id)][:4]
    assert actions == [
        Action.PAYMENT_BOUNCED,
        Action.ALLOCATION_TAKEN_BACK,
        Action.PAYMENT_ALLOCATED,
        Action.PAYMENT_RECORDED,
    ]


def test_a_refunded_payment_does_not_bounce(session: Session, scene: Scene) -> None:
    payment = _pay(session, scene, 10000)
    place = (scene.finance, scene.engagement, payment.number)
    refund_payment(session, *place, Refund(1, _DAY, "sent back"))
    with pytest.raises(Conflict, match="refunded"):
        bounce_payment(session, *place, Bounce(_DAY, "no funds"))


def test_payments_that_cannot_be(session: Session, scene: Scene) -> None:
    new = NewPayment(_DAY, "EUR", 1)
    wrong = (
        replace(new, minor=0),
        replace(new, minor=10**16),
        replace(new, currency="XXZ"),
        replace(new, booked_on=date(2027, 1, 1)),
        replace(new, value_on=date(1900, 1, 1)),
        replace(new, note="x" * 5000),
    )
    for one in wrong:
        with pytest.raises(BadInput):
            record_payment(session, scene.finance, scene.engagement, one)
    client = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    with pytest.raises(Forbidden):
        record_payment(session, client, scene.engagement, new)
    assert payments_of(session, client, scene.engagement) == ()


def _give_up(invoice: FeeInvoice, minor: int) -> NewWriteOff:
    return NewWriteOff(invoice.id, minor, WriteOffKind.SMALL_DIFFERENCE, "a few cents")


def test_a_write_off_is_proposed_by_one_and_approved_by_another(
    session: Session, scene: Scene
) -> None:
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    place = (session, scene.finance, scene.engagement)
    row = propose_write_off(*place, _give_up(invoice, 300))
    assert written_off_of(session, [invoice.id]) == {invoice.id: 0}
    with pytest.raises(Conflict, match="proposed"):
        propose_write_off(*place, _give_up(invoice, 9701))
    with pytest.raises(Forbidden, match="another person"):
        decide_write_off(*place, row.number, WriteOffState.APPROVED)
    decide_write_off(session, scene.second, scene.engagement, row.number, WriteOffState.APPROVED)
    assert written_off_of(session, [invoice.id]) == {invoice.id: 300}
    assert open_minor_of(session, [invoice]) == {invoice.id: 9700}
    with pytest.raises(Conflict, match="WO-1 is approved already"):
        withdraw_write_off(*place, row.number)
    assert write_offs_of(session, [invoice.id])[invoice.id] == (row,)


def test_who_approves_a_write_off_stays_within_the_contract(session: Session) -> None:
    limits = b"due_days: 30, approval_limits: [{role: provider_finance, up_to: '2.99'}],"
    scene = make_scene(session, contract=contract_bytes().replace(b"due_days: 30,", limits))
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    small, large = (
        propose_write_off(session, scene.finance, scene.engagement, _give_up(invoice, minor)).number
        for minor in (299, 300)
    )
    place = (session, scene.second, scene.engagement)
    assert decide_write_off(*place, small, WriteOffState.APPROVED).amount_minor == 299
    with pytest.raises(Forbidden, match=r"approve up to 2\.99"):
        decide_write_off(*place, large, WriteOffState.APPROVED)


def test_a_write_off_is_refused_withdrawn_or_overtaken(session: Session, scene: Scene) -> None:
    invoice = make_invoice(session, scene.engagement, 1, 10000)
    place = (session, scene.finance, scene.engagement)
    other = (session, scene.second, scene.engagement)
    refused = propose_write_off(*place, _give_up(invoice, 300)).number
    with pytest.raises(BadInput, match="reason"):
        decide_write_off(*other, refused, WriteOffState.REFUSED)
    decide_write_off(*other, refused, WriteOffState.REFUSED, "they will pay")
    withdraw_write_off(*place, propose_write_off(*place, _give_up(invoice, 300)).number)
    late = propose_write_off(*place, _give_up(invoice, 300)).number
    _allocate(session, scene, _pay(session, scene, 10000), Part(invoice.id, 10000))
    with pytest.raises(Conflict, match="by now"):
        decide_write_off(*other, late, WriteOffState.APPROVED)
    with pytest.raises(NotFound):
        decide_write_off(*other, 9, WriteOffState.APPROVED)
    states = [one.state.value for one in write_offs_in(*place)]
    assert states == ["proposed", "withdrawn", "refused"]
