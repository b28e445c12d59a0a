"""Erase personal data from the log without touching an entry."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, or_
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.entries import decode_entry, is_committed
from governance.audit.models import AuditEntry, AuditPersonalValue


def erase_values(session: Session, person_id: int | None, values: Collection[str] = ()) -> int:
    """Delete what the log keeps of a person, with its keys; answers how many values that were.

    None is a person who has no account.

    `values` are also erased where the log doesn't know whose they are, as the addresses that
    strangers typed at the door; addresses among them also where others wrote them into a reason.
    Entries stay as they are and keep their proofs.
    """
    known = [] if person_id is None else [col(AuditPersonalValue.person_id) == person_id]
    text, wanted = func.lower(col(AuditPersonalValue.value)), {one.lower() for one in values}
    unowned = col(AuditPersonalValue.person_id).is_(None) & text.in_(sorted(wanted))
    named = [
        text.contains(one, autoescape=True) & (text != one) for one in sorted(wanted) if "@" in one
    ]
    gone = delete(AuditPersonalValue).where(or_(unowned, *known, *named))
    return len(session.scalars(gone.returning(col(AuditPersonalValue.ref))).all())


def erase_reason(session: Session, entry: AuditEntry) -> bool:
    """Delete the words that an entry gives as its reason; False where none are kept.

    The same words of the same person go from all its entries.
    """
    reason = decode_entry(entry.data)["reason"]
    if not is_committed(reason):
        return False
    gone = delete(AuditPersonalValue).where(col(AuditPersonalValue.ref) == reason["ref"])
    return bool(session.scalars(gone.returning(col(AuditPersonalValue.ref))).all())
