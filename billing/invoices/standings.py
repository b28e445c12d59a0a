"""Where issued invoices stand, from deliveries, payments, credit notes and disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.credit_notes.queries import credited_of
from billing.deliveries.queries import sent_of
from billing.disputes.queries import disputes_of
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.standing import InvoiceStanding, StandingFacts, standing
from billing.payments.queries import paid_of, written_off_of


def standings_of(
    session: Session, invoices: Sequence[FeeInvoice], today: date, *, write_offs: bool = True
) -> Mapping[int, InvoiceStanding]:
    """By id, the standing of each issued invoice; drafts are left out.

    `write_offs` says whether what the provider has given up counts: to the client it doesn't, who
    owes it still. The caller has checked that the actor may view their engagements.
    """
    issued = [one for one in invoices if one.state is InvoiceState.ISSUED]
    ids = [one.id for one in issued]
    credited, disputed = credited_of(session, ids), disputes_of(session, ids)
    paid, written_off = paid_of(session, ids), written_off_of(session, ids)
    sent = sent_of(session, ids)

    def facts(invoice: FeeInvoice) -> StandingFacts:
        def amount(minor: int) -> Decimal:
            return invoice.money(minor).amount

        contested = disputed.get(invoice.id)
        return StandingFacts(
            payable=amount(invoice.payable_minor),
            due_on=invoice.due_on or today,
            today=today,
            sent=invoice.id in sent,
            credited=amount(credited.get(invoice.id, 0)),
            paid=amount(paid[invoice.id]),
            written_off=amount(written_off[invoice.id] if write_offs else 0),
            disputed=amount(contested.amount_minor if contested else 0),
        )

    return {one.id: standing(facts(one)) for one in issued}
