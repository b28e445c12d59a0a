"""What statements of account and reminders share: letterhead, sums, and words of movements."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from app.documents.invoice import address
from app.documents.language import gettext as _
from app.documents.language import marked
from billing.statements.ageing import Bucket
from billing.statements.values import MovementKind
from governance.contract.engagement import Party

STYLE: Final = "account.css"
MOVEMENTS: Final = {
    MovementKind.INVOICE: marked("Invoice"),
    MovementKind.CREDIT_NOTE: marked("Credit note"),
    MovementKind.INTEREST: marked("Interest for late payment"),
    MovementKind.LUMP_SUM: marked("Lump sum for late payment"),
    MovementKind.REMINDER_FEE: marked("Reminder fee"),
    MovementKind.WAIVER: marked("Charge waived"),
    MovementKind.PAYMENT: marked("Payment"),
    MovementKind.REFUND: marked("Refund"),
    MovementKind.BOUNCE: marked("Payment returned"),
    MovementKind.WRITE_OFF: marked("Write-off"),
}
BUCKETS: Final = {
    Bucket.NOT_DUE: marked("Not due"),
    Bucket.TO_30: marked("1–30 days"),
    Bucket.TO_60: marked("31–60 days"),
    Bucket.TO_90: marked("61–90 days"),
    Bucket.OVER_90: marked("Over 90 days"),
}


def parties(seller: Party, buyer: Party, reference: str, title: str) -> dict[str, Any]:
    """What the letterhead and the frame of the document show."""
    return {
        "seller": seller,
        "buyer": buyer,
        "seller_address": address(seller),
        "buyer_address": address(buyer),
        "engagement": {"reference": reference, "title": title, "provider": seller},
    }


def shown(pairs: tuple[tuple[str, Decimal], ...]) -> tuple[tuple[str, Decimal], ...]:
    """The sums that say something, translated."""
    return tuple((_(label), amount) for label, amount in pairs if amount)
