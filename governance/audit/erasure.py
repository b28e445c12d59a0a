"""Erase personal data from the log without touching an entry."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, func, or_
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.models import AuditPersonalValue


def erase_values(session: Session, person_id: int, values: Collection[str] = ()) -> int:
    """Delete what the log keeps of a person, with its keys; answers how many values that were.

    `values` are also erased where the log doesn't know whose they are, as the addresses that
    strangers typed at the door. Entries stay as they are and keep their proofs.
    """
    of_person: ColumnElement[bool] = col(AuditPersonalValue.person_id) == person_id
    unowned = col(AuditPersonalValue.person_id).is_(None) & func.lower(
        col(AuditPersonalValue.value)
    ).in_(sorted(value.lower() for value in values))
    gone = delete(AuditPersonalValue).where(or_(of_person, unowned))
    return len(session.scalars(gone.returning(col(AuditPersonalValue.ref))).all())
