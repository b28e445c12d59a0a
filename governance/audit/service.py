"""Record what happened, in the transaction in which it happened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import event, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.access import Actor
from governance.audit.entries import (
    KEY_BYTES,
    Personal,
    commitments,
    committed,
    decode_entry,
    encode_entry,
    moment,
    revealed,
)
from governance.audit.models import Action, AuditEntry, AuditPersonalValue
from governance.audit.rows import ChangedRow, has_changed_rows, take_changed_rows
from governance.tables import canonical_json

PERSONAL_KINDS = frozenset(
    {
        "user_account",
        "membership",
        "invitation",
        "operator_term",
        "duty_exception",
        "access_review_item",
        "sign_in_session",
        "password_reset",
        "totp_credential",
        "passkey",
        "recovery_code",
        "foreign_identity",
        "api_token",
    }
)
"""Subjects whose label is a person's name or address."""
PERSONAL_FIELDS = frozenset({"email", "name"})
"""Fields that are personal data where the subject is a person."""
_ROWS_AN_ENTRY = 300
"""So many rows stay well below an entry's largest size."""
_REFS_A_QUERY = 500
_LONGEST_FOUND = 200
"""Characters of a label or a request that an index takes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Line ends and tabs aside."""
_ACTOR = "audit_actor"
_UNATTENDED = "unattended"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to what."""

    action: Action
    subject_kind: str
    """Table of what was changed."""
    subject_id: int | str
    subject_label: str
    """How people know it, as it reads now."""
    engagement_id: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""
    person_id: int | None = None
    """The user whose name and address the change states, where the subject isn't that user."""


@dataclass(frozen=True, slots=True)
class Event:
    """An entry as people read it, with the personal values that are still kept."""

    uid: str
    at: datetime
    actor_id: int | None
    actor_name: str
    action: Action
    engagement_id: int | None
    subject_kind: str
    subject_id: str
    subject_label: str
    before: str | None
    """JSON of the changed fields before, None for something new."""
    after: str | None
    reason: str
    request_id: str
    leaf_index: int | None
    """Place in the tree, None until it has one."""


def record(session: Session, actor: Actor, change: Change) -> AuditEntry:
    """Add an entry; it stands or falls with the change itself.

    It also names every row that changed since the transaction's last entry, with its digest.
    Where those are many, further entries of the same change carry on.
    """
    session.info[_ACTOR] = actor
    return record_rows(session, actor, change, take_changed_rows(session))


def record_rows(
    session: Session, actor: Actor, change: Change, rows: Sequence[ChangedRow]
) -> AuditEntry:
    """Add an entry that names exactly these rows."""
    first, *more = _parts(rows)
    entry = _add(session, actor, change, first)
    for part in more:
        bare = Change(
            change.action,
            change.subject_kind,
            change.subject_id,
            change.subject_label,
            change.engagement_id,
            after={"continues": entry.uid},
            person_id=change.person_id,
        )
        _add(session, actor, bare, part)
    return entry


def _parts(rows: Sequence[ChangedRow]) -> list[tuple[ChangedRow, ...]]:
    return [
        tuple(rows[start : start + _ROWS_AN_ENTRY])
        for start in range(0, max(len(rows), 1), _ROWS_AN_ENTRY)
    ]


def _add(session: Session, actor: Actor, change: Change, rows: Iterable[ChangedRow]) -> AuditEntry:
    uid = uuid4().hex
    fields: dict[str, Any] = {
        "id": uid,
        "time": moment(actor.at),
        "tenant": change.engagement_id,
        "actor": {"id": actor.user_id, "name": _actor_name(actor)},
        "action": change.action,
        "subject": _subject(change),
        "before": _fields(change, change.before),
        "after": _fields(change, change.after),
        "reason": _reason(actor, change),
        "request": one_line(actor.request_id),
        "rows": [list(row) for row in rows],
    }
    if (person := _person_of(change)) is not None:
        fields["person"] = person
    entry = AuditEntry(
        uid=uid,
        at=actor.at,
        actor_id=actor.user_id,
        action=change.action,
        engagement_id=change.engagement_id,
        subject_kind=change.subject_kind,
        subject_id=str(change.subject_id),
        subject_label=found_by(fields["subject"]["label"]),
        person_id=person,
        request_id=found_by(fields["request"]) or "",
        data=encode_entry(fields, lambda value: _commit(session, value)),
    )
    session.add(entry)
    session.flush()
    return entry


def found_by(stated: Any) -> str | None:
    """What an index keeps of a label or a request; None for a personal value."""
    return stated[:_LONGEST_FOUND] if isinstance(stated, str) else None


def _reason(actor: Actor, change: Change) -> str | Personal:
    """People write reasons in their own words, and may name others in them.

    So a reason is kept like a name: for the person it concerns, or else for the one who wrote it.
    """
    text = one_line(change.reason)
    person = _person_of(change)
    return Personal(text, actor.user_id if person is None else person) if text else ""


def _actor_name(actor: Actor) -> str | Personal:
    name = one_line(actor.name)
    return name if actor.user_id is None else Personal(name, actor.user_id)


def _subject(change: Change) -> dict[str, Any]:
    label: str | Personal = one_line(change.subject_label)
    if change.subject_kind in PERSONAL_KINDS:
        label = Personal(str(label), _person_of(change))
    return {"kind": change.subject_kind, "id": str(change.subject_id), "label": label}


def _fields(change: Change, fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if fields is None or change.subject_kind not in PERSONAL_KINDS:
        return None if fields is None else dict(fields)
    person = _person_of(change)
    return {
        name: Personal(value, person) if name in PERSONAL_FIELDS and value else value
        for name, value in fields.items()
    }


def _person_of(change: Change) -> int | None:
    if change.person_id is None and isinstance(change.subject_id, int):
        return change.subject_id if change.subject_kind == "user_account" else None
    return change.person_id


def _commit(session: Session, personal: Personal) -> Mapping[str, str]:
    """Keep a personal value once for a person; what entries state of it is then the same."""
    kept = None
    if personal.person_id is not None:
        kept = session.scalars(
            select(AuditPersonalValue)
            .where(
                col(AuditPersonalValue.person_id) == personal.person_id,
                col(AuditPersonalValue.value) == personal.value,
            )
            .limit(1)
        ).first()
    if kept is None:
        kept = AuditPersonalValue(
            ref=uuid4().hex,
            person_id=personal.person_id,
            value=personal.value,
            key=secrets.token_bytes(KEY_BYTES),
        )
        session.add(kept)
        session.flush()
    return committed(kept.ref, kept.key, personal)


def entries_of(
    session: Session, engagement_id: int, limit: int | None = None
) -> tuple[AuditEntry, ...]:
    """The entries of an engagement, newest first; the caller checks the permission."""
    found = session.scalars(
        select(AuditEntry)
        .where(col(AuditEntry.engagement_id) == engagement_id)
        .order_by(col(AuditEntry.id).desc())
        .limit(limit)
    )
    return tuple(found)


def events_of(session: Session, engagement_id: int, limit: int = 100) -> tuple[Event, ...]:
    """The latest events of an engagement as people read them, newest first."""
    return read_entries(session, entries_of(session, engagement_id, limit))


def read_entries(session: Session, entries: Sequence[AuditEntry]) -> tuple[Event, ...]:
    """Entries as people read them."""
    decoded = [decode_entry(entry.data) for entry in entries]
    refs = {one["ref"] for fields in decoded for one in commitments(fields)}
    values = personal_values(session, refs)
    return tuple(
        _event(entry, revealed(fields, values))
        for entry, fields in zip(entries, decoded, strict=True)
    )


def read_fields(session: Session, entry: AuditEntry) -> dict[str, Any]:
    """All that an entry states, with the personal values that are still kept."""
    fields = decode_entry(entry.data)
    values = personal_values(session, (one["ref"] for one in commitments(fields)))
    stated: dict[str, Any] = revealed(fields, values)
    return stated


def personal_values(session: Session, refs: Iterable[str]) -> dict[str, str]:
    """The personal values that are still kept, by their refs."""
    found: dict[str, str] = {}
    wanted = sorted(refs)
    for start in range(0, len(wanted), _REFS_A_QUERY):
        rows = session.execute(
            select(col(AuditPersonalValue.ref), col(AuditPersonalValue.value)).where(
                col(AuditPersonalValue.ref).in_(wanted[start : start + _REFS_A_QUERY])
            )
        )
        found.update((row.ref, row.value) for row in rows)
    return found


def _event(entry: AuditEntry, fields: Mapping[str, Any]) -> Event:
    return Event(
        uid=entry.uid,
        at=entry.at,
        actor_id=entry.actor_id,
        actor_name=fields["actor"]["name"],
        action=entry.action,
        engagement_id=entry.engagement_id,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        subject_label=fields["subject"]["label"],
        before=_json(fields["before"]),
        after=_json(fields["after"]),
        reason=fields["reason"],
        request_id=fields["request"],
        leaf_index=entry.leaf_index,
    )


def one_line(text: str) -> str:
    """Text without control characters, so that no name can forge a second entry."""
    return "".join(char if char.isprintable() else " " for char in text)


def plain_lines(text: str) -> str:
    """Text of several lines without control characters; databases refuse or cut some of them."""
    return _CONTROL.sub(" ", text)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else canonical_json(value).decode()


def _record_the_rest(session: Session) -> None:
    """No change is committed without an entry, even where its service has named none."""
    if session.in_nested_transaction():  # Only the outermost commit makes anything last.
        return
    session.flush()
    if not has_changed_rows(session):
        session.info.pop(_ACTOR, None)
        return
    now = datetime.now(UTC)  # There is no actor to take it from where nobody acted.
    actor: Actor = session.info.get(_ACTOR, Actor(None, _UNATTENDED, now))
    record(session, actor, Change(Action.ROWS_CHANGED, "", "", ""))
    session.info.pop(_ACTOR, None)


event.listen(Session, "before_commit", _record_the_rest)
