"""What was delivered since a person looked, so that nothing is delivered twice unawares."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.deliveries.models import Delivery
from billing.deliveries.values import DeliverySubject
from governance.audit.service import plain_lines
from governance.errors import BadInput, Conflict, Problem
from governance.parties.models import User

LONGEST_NOTE = 4000


def newer_delivery(
    session: Session, subject: DeliverySubject, subject_id: int, after: int
) -> Delivery | None:
    """The latest delivery, where the person didn't know of it."""
    return session.scalars(
        select(Delivery)
        .where(
            col(Delivery.subject) == subject,
            col(Delivery.subject_id) == subject_id,
            col(Delivery.number) > after,
        )
        .order_by(col(Delivery.number).desc())
        .limit(1)
    ).one_or_none()


def refuse_newer(session: Session, newer: Delivery | None, name: str) -> None:
    if newer is None:
        return
    who = session.get_one(User, newer.made_by_id).name
    raise Conflict(
        f"{who} delivered {name} meanwhile, on {newer.made_at.date()}; look at that first, and"
        " send it again if you still want to"
    )


def checked_note(text: str) -> str:
    note = plain_lines(text).strip()
    if len(note) > LONGEST_NOTE:
        allowed = f"at most {LONGEST_NOTE} characters"
        raise BadInput.one(Problem("the note is too long", column="note", allowed=allowed))
    return note
