"""Check what others have said of our checkpoints, as it is stored: cosignatures and timestamps."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.cosignatures import cosignature_in
from governance.audit.models import AuditCheckpoint, AuditCosignature, AuditTimestamp
from governance.audit.notes import parse_verifier_key
from governance.audit.timestamps import check_token
from governance.errors import InvalidNote, InvalidTimestamp, Problem


def check_vouchers(session: Session) -> list[Problem]:
    """Every stored cosignature and timestamp that isn't of its checkpoint."""
    return [*_bad_cosignatures(session), *_bad_timestamps(session)]


def _bad_cosignatures(session: Session) -> Iterator[Problem]:
    where = AuditCosignature.__tablename__
    for row in session.scalars(select(AuditCosignature).order_by(col(AuditCosignature.id))):
        try:
            note = _note_of(session, row.size)
            line, at = cosignature_in(note, row.line, parse_verifier_key(row.witness_key))
        except InvalidNote as error:
            yield Problem(str(error), file=where, row=row.id)
            continue
        if (line, at) != (row.line, row.cosigned_at):
            yield Problem("the row is not what the witness has signed", file=where, row=row.id)


def _bad_timestamps(session: Session) -> Iterator[Problem]:
    where = AuditTimestamp.__tablename__
    for row in session.scalars(select(AuditTimestamp).order_by(col(AuditTimestamp.id))):
        try:
            stamp = check_token(_note_of(session, row.size), row.token)
        except (InvalidNote, InvalidTimestamp) as error:
            yield Problem(str(error), file=where, row=row.id)
            continue
        if stamp.at != row.stamped_at:
            yield Problem("the token states another time", file=where, row=row.id)


def _note_of(session: Session, size: int) -> str:
    found = session.get(AuditCheckpoint, size)
    if found is None:
        raise InvalidNote(f"there is no checkpoint of {size} entries")
    return found.note
