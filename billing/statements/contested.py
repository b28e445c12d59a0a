"""What is in dispute of an invoice, as an amount payable and with its days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext

from billing.disputes.models import Dispute, DisputeState
from billing.invoices.models import FeeInvoice
from billing.statements.values import Contested
from governance.values import EXACT, Money, round_money

_ACCEPTED = (DisputeState.ACCEPTED, DisputeState.PARTLY_ACCEPTED)


def contested(
    dispute: Dispute, invoice: FeeInvoice, credited_on: date | None
) -> Iterator[Contested]:
    """The spans in which a dispute holds back what would be payable for it.

    All that is disputed, from the day that it was raised until the provider answers or the client
    takes it back; then, of what is accepted, until the credit note is issued on `credited_on`.
    """
    ended = dispute.withdrawn_at or dispute.answered_at
    answered = ended.date() if ended else None
    yield Contested(dispute.raised_at.date(), answered, payable_of(invoice, dispute.amount_minor))
    if answered is not None and dispute.state in _ACCEPTED:
        accepted = payable_of(invoice, dispute.accepted_minor or 0)
        yield Contested(answered, credited_on, accepted)


def payable_of(invoice: FeeInvoice, net_minor: int) -> Decimal:
    """What of an invoice is payable for an amount before tax, rounded half up.

    It is the amount's share in the whole: tax and what is withheld are spread over the lines in
    proportion. A line's own tax may differ; the credit note states it exactly.
    """
    net = invoice.subtotal_minor - invoice.service_credit_minor
    amount = Money(net_minor, invoice.currency).amount
    if net <= 0:
        return amount
    with localcontext(EXACT):
        return round_money(amount * invoice.payable_minor / net, invoice.currency)
