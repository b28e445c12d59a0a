"""Timestamps by an authority outside (RFC 3161): this checkpoint existed at that time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.models import Action, AuditCheckpoint, AuditEntry, AuditTimestamp
from governance.errors import InvalidTimestamp

GRAVE = (Action.INVOICE_ISSUED, Action.FIGURES_SEALED)
"""After these a timestamp is wanted at once, not only once a day."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says."""

    at: datetime
    checked: bool
    """Whether the authority's signature was checked, or only that the token is of this note."""


def request_for(note: str) -> TimeStampRequest:
    """What an authority is asked: only the digest of the signed note leaves."""
    return TimestampRequestBuilder(note.encode(), HashAlgorithm.SHA256).build()


def read_answer(note: str, request: TimeStampRequest, answer: bytes) -> Stamp:
    """The stamp in an authority's answer; InvalidTimestamp where it isn't what was asked for."""
    try:
        response = decode_timestamp_response(answer)
        status = PKIStatus(response.status)
    except ValueError as error:
        raise InvalidTimestamp(f"this is no time-stamp response: {error}") from None
    if status is not PKIStatus.GRANTED:
        why = ", ".join(response.status_string) or status.name.lower()
        raise InvalidTimestamp(f"the authority refused: {why}")
    if response.tst_info.nonce != request.nonce:
        raise InvalidTimestamp("the authority answered another request")
    return check_token(note, answer)


def check_token(note: str, token: bytes, authorities: Collection[Certificate] = ()) -> Stamp:
    """Hold a token against the note that it is said to stamp.

    With the certificates of trusted authorities its signature is checked too, as of the time it
    states. Raises InvalidTimestamp where it is of something else, or not signed by them.
    """
    try:
        response = decode_timestamp_response(token)
        imprint, at = response.tst_info.message_imprint.message, response.tst_info.gen_time
    except ValueError as error:
        raise InvalidTimestamp(f"this is no time-stamp response: {error}") from None
    if imprint != sha256(note.encode()).digest():
        raise InvalidTimestamp("the token stamps something else than this checkpoint")
    if authorities:
        _check_signature(response, note, authorities)
    return Stamp(at.astimezone(UTC), bool(authorities))


def _check_signature(
    response: TimeStampResponse, note: str, authorities: Collection[Certificate]
) -> None:
    verifier = VerifierBuilder(roots=list(authorities)).build()
    try:
        verifier.verify_message(response, note.encode())
    except (VerificationError, ValueError) as error:
        raise InvalidTimestamp(f"none of the trusted authorities has signed it: {error}") from None


def store_timestamp(
    session: Session, checkpoint: AuditCheckpoint, authority: str, token: bytes, stamp: Stamp
) -> AuditTimestamp:
    """Keep a token with the checkpoint that it stamps."""
    row = AuditTimestamp(
        size=checkpoint.size, authority=authority, token=token, stamped_at=stamp.at
    )
    session.add(row)
    session.flush()
    return row


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a timestamp is due."""

    checkpoint: AuditCheckpoint | None
    """The one to stamp, None where none is due."""
    seen: int
    """Entries that needn't be looked at again next time."""


def due_timestamp(session: Session, at: datetime, seen: int = 0) -> Due:
    """The latest checkpoint, if a timestamp of it is due.

    It is once a day (UTC) in which the log grew, and after each of the `GRAVE` actions. `seen`
    is how many entries were looked at before.
    """
    latest = session.scalars(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()
    last = session.scalars(
        select(AuditTimestamp).order_by(col(AuditTimestamp.id).desc()).limit(1)
    ).first()
    if latest is None or (last is not None and last.size >= latest.size):
        return Due(None, seen)
    if (
        last is None
        or last.stamped_at.date() < at.date()
        or _is_grave(session, max(last.size, seen))
    ):
        return Due(latest, seen)
    return Due(None, latest.size)


def _is_grave(session: Session, size: int) -> bool:
    """Whether something grave came under a checkpoint after the tree of `size` entries."""
    found = select(col(AuditEntry.id)).where(
        col(AuditEntry.leaf_index) >= size, col(AuditEntry.action).in_(GRAVE)
    )
    return session.scalars(found.limit(1)).first() is not None


def timestamps_of(session: Session) -> Iterator[AuditTimestamp]:
    """All tokens, oldest first."""
    yield from session.scalars(select(AuditTimestamp).order_by(col(AuditTimestamp.id)))
