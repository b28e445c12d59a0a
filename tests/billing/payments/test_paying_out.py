"""What the provider pays out on invoices that are in the client's favour."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from billing.invoices.standing import Stage
from billing.invoices.standings import standings_of
from billing.payments.paying_out import PaidOut, pay_out, take_refund_back
from billing.payments.queries import owed_to_client_of, paid_of, refunds_on
from governance.access import Role
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from tests.billing.payments.scenes import make_invoice, make_scene
from tests.factories import NOW, make_member


def test_an_invoice_below_zero_is_paid_out_in_parts(session: Session) -> None:
    scene = make_scene(session)
    invoice = make_invoice(session, scene.engagement, 1, -10000)
    place = (session, scene.finance, scene.engagement)
    today = NOW.date()
    first = pay_out(*place, PaidOut(invoice.id, 4000, today, "first part"))
    assert owed_to_client_of(session, [invoice]) == {invoice.id: 6000}
    with pytest.raises(Conflict, match="owes the client"):
        pay_out(*place, PaidOut(invoice.id, 6001, today, "too much"))
    pay_out(*place, PaidOut(invoice.id, 6000, today, "the rest"))
    assert paid_of(session, [invoice.id]) == {invoice.id: -10000}
    standing = standings_of(session, [invoice], today)[invoice.id]
    assert (standing.stage, standing.balance_of_client) == (Stage.PAID, Decimal(0))
    take_refund_back(*place, first.number, "the account was closed")
    with pytest.raises(Conflict, match="already"):
        take_refund_back(*place, first.number, "again")
    assert owed_to_client_of(session, [invoice]) == {invoice.id: 4000}
    listed = [
        (one.reference, one.taken_back_on) for one in refunds_on(session, [invoice.id])[invoice.id]
    ]
    assert listed == [("REF-1", today), ("REF-2", None)]


def test_what_cannot_be_paid_out(session: Session) -> None:
    scene = make_scene(session)
    place = (session, scene.finance, scene.engagement)
    today = NOW.date()
    owed, usual = (
        make_invoice(session, scene.engagement, at, minor) for at, minor in ((1, -100), (2, 100))
    )
    with pytest.raises(Conflict, match="owes the client"):
        pay_out(*place, PaidOut(usual.id, 1, today, "a gift"))
    for day in (today + timedelta(days=1), today - timedelta(days=1)):
        with pytest.raises(BadInput, match="between its issue and today"):
            pay_out(*place, PaidOut(owed.id, 1, day, "x"))
    for minor, reason in ((0, "x"), (1, " ")):
        with pytest.raises(BadInput):
            pay_out(*place, PaidOut(owed.id, minor, today, reason))
    with pytest.raises(NotFound):
        take_refund_back(*place, 1, "x")
    client = make_member(session, scene.engagement, Role.CLIENT_FINANCE)
    with pytest.raises(Forbidden):
        pay_out(session, client, scene.engagement, PaidOut(owed.id, 1, today, "x"))
