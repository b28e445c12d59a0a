"""Every service of payments, used once."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from billing.payments.allocating import allocate, take_back
from billing.payments.csv_reader import Mapped
from billing.payments.importing import (
    Choice,
    StatementFile,
    confirm_import,
    discard_import,
    get_preview,
    start_import,
)
from billing.payments.models import WriteOffKind, WriteOffState
from billing.payments.paying_out import PaidOut, pay_out, take_refund_back
from billing.payments.queries import issued_invoices
from billing.payments.recording import (
    Bounce,
    NewPayment,
    Refund,
    bounce_payment,
    record_payment,
    refund_payment,
)
from billing.payments.reversals import (
    NewReversal,
    decide_reversal,
    propose_reversal,
    withdraw_reversal,
)
from billing.payments.values import Part
from billing.payments.write_offs import (
    NewWriteOff,
    decide_write_off,
    propose_write_off,
    withdraw_write_off,
)
from governance.access import Role
from governance.engagements.models import Engagement
from tests.billing.payments.scenes import make_invoice
from tests.factories import NOW, make_member

_DAY = NOW.date()


def use_payments(session: Session, engagement: Engagement) -> None:
    """Of an engagement with an issued invoice, which is open as before but for a cent."""
    actor, other = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    place = (session, actor, engagement)
    invoice = issued_invoices(session, engagement)[0].id
    for _ in range(2):
        record_payment(*place, NewPayment(_DAY, "EUR", 100))
    (row,) = allocate(*place, 1, [Part(invoice, 50)])
    take_back(*place, 1, row.id, "it was for another invoice")
    refund_payment(*place, 1, Refund(100, _DAY, "paid twice"))
    bounce_payment(*place, 2, Bounce(_DAY, "no funds"))
    new = NewWriteOff(invoice, 1, WriteOffKind.SMALL_DIFFERENCE, "a cent")
    for verdict in (WriteOffState.APPROVED, WriteOffState.REFUSED):
        number = propose_write_off(*place, new).number
        decide_write_off(session, other, engagement, number, verdict, "so be it")
    withdraw_write_off(*place, propose_write_off(*place, new).number)
    again = NewReversal(1, 1, "they pay after all")
    withdraw_reversal(*place, propose_reversal(*place, again).number)
    for verdict in (WriteOffState.REFUSED, WriteOffState.APPROVED):
        number = propose_reversal(*place, again).number
        decide_reversal(session, other, engagement, number, verdict, "so be it")
    decide_write_off(
        session, other, engagement, propose_write_off(*place, new).number, WriteOffState.APPROVED
    )
    given_up = make_invoice(session, engagement, 10, 1).id
    number = propose_write_off(*place, replace(new, invoice_id=given_up)).number
    decide_write_off(session, other, engagement, number, WriteOffState.APPROVED)
    late = record_payment(*place, NewPayment(_DAY, "EUR", 1)).number
    (row,) = allocate(*place, late, [Part(given_up, 1)])
    take_back(*place, late, row.id, "it was for another invoice")
    refund_payment(*place, late, Refund(1, _DAY, "sent back"))
    in_favour = make_invoice(session, engagement, 11, -500).id
    number = pay_out(*place, PaidOut(in_favour, 500, _DAY, "by bank transfer")).number
    take_refund_back(*place, number, "it came back")
    for data in (b"Date,Amount\n2026-03-01,7.50\n", b"Date,Amount\n2026-03-01,8.50\n"):
        file = StatementFile("bank.csv", data, Mapped())
        import_id = start_import(*place, file).id
        if data.endswith(b"7.50\n"):
            line = get_preview(*place, import_id).lines[0]
            confirm_import(*place, import_id, [Choice(line.entry.key)])
        else:
            discard_import(*place, import_id)
