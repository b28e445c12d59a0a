"""What witnesses have signed of our checkpoints, kept with them and handed on with them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.models import AuditCheckpoint, AuditCosignature
from governance.audit.notes import Signature, VerifierKey, parse_note, timestamp_of
from governance.errors import InvalidNote


def cosignature_in(note: str, answer: str, witness: VerifierKey) -> tuple[str, datetime]:
    """The witness's line in its answer, and its time; InvalidNote where it has none that holds.

    Lines of keys that aren't the witness's are ignored.
    """
    for line in answer.splitlines(keepends=True):
        opened = parse_note(note + line if line.endswith("\n") else f"{note}{line}\n")
        signature = opened.signatures[-1]
        if signature.is_of(witness):
            return f"{line.rstrip()}\n", _time_of(opened.text, signature, witness)
    raise InvalidNote(f"{witness.name} has not signed with the key that is trusted")


def _time_of(text: str, signature: Signature, witness: VerifierKey) -> datetime:
    if not witness.verifies(text, signature.value):
        raise InvalidNote(f"the cosignature of {witness.name} is not for this checkpoint")
    try:
        return datetime.fromtimestamp(timestamp_of(signature.value), UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidNote(f"{witness.name} states a time that there isn't") from None


def store_cosignature(
    session: Session, checkpoint: AuditCheckpoint, witness: VerifierKey, answer: str
) -> AuditCosignature:
    """Keep what a witness answered; what is kept for this tree already stays.

    Raises InvalidNote where the answer holds no cosignature of the witness.
    """
    line, at = cosignature_in(checkpoint.note, answer, witness)
    kept = session.scalars(
        select(AuditCosignature).where(
            col(AuditCosignature.size) == checkpoint.size,
            col(AuditCosignature.witness_key) == str(witness),
        )
    ).first()
    if kept is None:
        kept = AuditCosignature(
            size=checkpoint.size, witness_key=str(witness), line=line, cosigned_at=at
        )
        session.add(kept)
        session.flush()
    return kept


def last_cosigned(session: Session, witness: VerifierKey) -> int:
    """Entries in the largest tree that the witness has signed, as far as we know; else 0."""
    largest = select(func.max(col(AuditCosignature.size))).where(
        col(AuditCosignature.witness_key) == str(witness)
    )
    return session.execute(largest).scalar() or 0


def cosigned_note(session: Session, checkpoint: AuditCheckpoint) -> str:
    """The checkpoint's note with all cosignatures that are kept."""
    lines = session.scalars(
        select(col(AuditCosignature.line))
        .where(col(AuditCosignature.size) == checkpoint.size)
        .order_by(col(AuditCosignature.id))
    )
    return checkpoint.note + "".join(lines)


def witness_keys(session: Session) -> tuple[str, ...]:
    """The verifier keys of all witnesses whose cosignatures are kept."""
    keys = select(col(AuditCosignature.witness_key)).distinct()
    return tuple(sorted(session.scalars(keys)))
