"""Erase a person's address from deliveries; that something was sent, and when, stays."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries.models import DeliveryRecipient


def erase_recipient(session: Session, address: str) -> tuple[int, ...]:
    """Empty every row with the address; answers which those were.

    The caller records the change and erases the address from the log. A mail that still waits
    goes to its other recipients alone.
    """
    mine = func.lower(col(DeliveryRecipient.address)) == address.strip().lower()
    rows = session.scalars(select(DeliveryRecipient).where(mine)).all()
    for row in rows:
        row.address, row.salt, row.problem = "", "", ""
    session.flush()
    return tuple(row.id for row in rows)
