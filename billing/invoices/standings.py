"""Where issued invoices stand, from the payments, credit notes and disputes in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.credit_notes.queries import credited_of
from billing.disputes.queries import disputes_of
from billing.invoices.models import FeeInvoice, InvoiceState
from billing.invoices.standing import InvoiceStanding, StandingFacts, standing
from billing.payments.queries import paid_of, written_off_of


def standings_of(
    session: Session, invoices: Sequence[FeeInvoice], today: date
) -> Mapping[int, InvoiceStanding]:
    """By id, the standing of each issued invoice; drafts are left out.

    The caller has checked that the actor may view their engagements.
    """
    issued = [one for one in invoices if one.state is InvoiceState.ISSUED]
    ids = [one.id for one in issued]
    credited, disputed = credited_of(session, ids), disputes_of(session, ids)
    paid, written_off = paid_of(session, ids), written_off_of(session, ids)

    def facts(invoice: FeeInvoice) -> StandingFacts:
        def amount(minor: int) -> Decimal:
            return invoice.money(minor).amount

        contested = disputed.get(invoice.id)
        return StandingFacts(
            payable=amount(invoice.payable_minor),
            due_on=invoice.due_on or today,
            today=today,
            credited=amount(credited.get(invoice.id, 0)),
            paid=amount(paid[invoice.id]),
            written_off=amount(written_off[invoice.id]),
            disputed=amount(contested.amount_minor if contested else 0),
        )

    return {one.id: standing(facts(one)) for one in issued}
