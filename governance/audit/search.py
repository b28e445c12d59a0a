"""Find entries: by person, object, action and time, newest first, a page at a time.

Every question has an index that begins with the engagement and ends with the time, so that the
first page of a log of millions costs what it costs in a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from governance.audit.models import Action, AuditEntry
from governance.errors import NotFound
from governance.parties.models import Membership, User

COUNTED = 10_000
"""Results are counted as far as this; beyond, "more" is enough to know."""
_PERSON = "user_account"
_Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; fields that are empty don't narrow it."""

    engagement_id: int | None
    """None finds the entries that belong to no engagement."""
    person_id: int | None = None
    """Who acted, or whom it concerns."""
    action: Action | None = None
    kind: str = ""
    """Table of the object."""
    object_id: str = ""
    label: str = ""
    """How the object's label begins; labels that are people's names are found by person."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that is no longer meant."""
    request: str = ""


def find_entries(
    session: Session, search: Search, *, before: AuditEntry | None = None, limit: int = 50
) -> tuple[AuditEntry, ...]:
    """The newest entries that match, older than `before` if that is given."""
    older = [] if before is None else [_older(before)]
    found: list[AuditEntry] = []
    for part in _parts(search):
        chosen = select(AuditEntry).where(*_conditions(search), *part, *older)
        newest = chosen.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
        found += session.scalars(newest.limit(limit))
    found.sort(key=lambda entry: (entry.at, entry.id), reverse=True)
    return tuple(found[:limit])


def count_entries(session: Session, search: Search, most: int = COUNTED) -> int:
    """How many entries match; `most` + 1 stands for more than `most`."""
    counted = 0
    for part in _parts(search):
        some = select(col(AuditEntry.id)).where(*_conditions(search), *part).limit(most + 1)
        counted += session.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    return min(counted, most + 1)


def _older(entry: AuditEntry) -> _Condition:
    at, number = col(AuditEntry.at), col(AuditEntry.id)
    return and_(at <= entry.at, or_(at < entry.at, number < entry.id))


def _parts(search: Search) -> tuple[tuple[_Condition, ...], ...]:
    """What to look for one after another, as no index serves "acted or is concerned"."""
    if search.person_id is None:
        return ((),)
    acted = col(AuditEntry.actor_id).is_not_distinct_from(search.person_id)
    concerned = col(AuditEntry.person_id).is_not_distinct_from(search.person_id)
    subject = and_(
        col(AuditEntry.subject_kind) == _PERSON,
        col(AuditEntry.subject_id) == str(search.person_id),
    )
    return (
        (col(AuditEntry.actor_id) == search.person_id,),
        (col(AuditEntry.person_id) == search.person_id, ~acted),
        (subject, ~acted, ~concerned),
    )


def _conditions(search: Search) -> list[_Condition]:
    own = col(AuditEntry.engagement_id)
    tenant = own.is_(None) if search.engagement_id is None else own == search.engagement_id
    wanted = (
        (search.action, col(AuditEntry.action)),
        (search.kind, col(AuditEntry.subject_kind)),
        (search.object_id, col(AuditEntry.subject_id)),
        (search.request, col(AuditEntry.request_id)),
    )
    found = [tenant, *(column == value for value, column in wanted if value)]
    if search.label:
        found.append(_begins_with(search.label))
    if search.since is not None:
        found.append(col(AuditEntry.at) >= search.since)
    if search.until is not None:
        found.append(col(AuditEntry.at) < search.until)
    return found


def _begins_with(text: str) -> _Condition:
    """A range, which an index answers, in place of LIKE."""
    label = col(AuditEntry.subject_label)
    return and_(label >= text, label < f"{text}{chr(0x10FFFF)}")


def entry_in(session: Session, engagement_id: int | None, uid: str) -> AuditEntry:
    """The entry of that id in the engagement, or of none; NotFound where there is none."""
    own = col(AuditEntry.engagement_id)
    tenant = own.is_(None) if engagement_id is None else own == engagement_id
    chosen = select(AuditEntry).where(col(AuditEntry.uid) == uid, tenant)
    found = session.scalars(chosen).first() if uid.isalnum() else None
    if found is None:
        raise NotFound("the log has no such entry")
    return found


def people_in(session: Session, engagement_id: int | None) -> tuple[User, ...]:
    """Who acted in the engagement, was concerned or belongs to it, by name; all for None."""
    if engagement_id is None:
        return tuple(session.scalars(select(User).order_by(col(User.name), col(User.id))))
    concerned = [
        select(col(AuditEntry.id)).where(
            col(AuditEntry.engagement_id) == engagement_id, column == col(User.id)
        )
        for column in (col(AuditEntry.actor_id), col(AuditEntry.person_id))
    ]
    member = select(col(Membership.id)).where(
        col(Membership.engagement_id) == engagement_id, col(Membership.user_id) == col(User.id)
    )
    involved = or_(*(one.correlate(User).exists() for one in (*concerned, member)))
    return tuple(
        session.scalars(select(User).where(involved).order_by(col(User.name), col(User.id)))
    )


@dataclass(frozen=True, slots=True)
class ExportTotal:
    """What one person has taken out."""

    person_id: int | None
    """None for the command line."""
    exports: int
    files: int
    """Different files among them."""
    last: datetime


def exports_by_person(session: Session, search: Search) -> tuple[ExportTotal, ...]:
    """Totals of the exports that match, most first."""
    exports = replace(search, action=Action.DOCUMENT_EXPORTED)
    totals: dict[int | None, ExportTotal] = {}
    for part in _parts(exports):
        rows = session.execute(
            select(
                col(AuditEntry.actor_id),
                func.count(col(AuditEntry.id)).label("exports"),
                func.count(col(AuditEntry.subject_id).distinct()).label("files"),
                func.max(col(AuditEntry.at)).label("last"),
            )
            .where(*_conditions(exports), *part)
            .group_by(col(AuditEntry.actor_id), func.coalesce(col(AuditEntry.actor_id), 0))
        )
        totals |= {
            row.actor_id: ExportTotal(row.actor_id, row.exports, row.files, row.last)
            for row in rows
        }
    return tuple(sorted(totals.values(), key=lambda one: (-one.exports, one.person_id or 0)))


def history_of(
    session: Session, engagement_id: int, kind: str, object_id: str, limit: int = 500
) -> Sequence[AuditEntry]:
    """The newest steps of an object's life, oldest first; NotFound where it has none."""
    search = Search(engagement_id, kind=kind, object_id=object_id)
    # PostgreSQL's text has no NUL: of such a name the log tells nothing.
    possible = kind.isprintable() and object_id.isprintable()
    found = find_entries(session, search, limit=limit) if possible else ()
    if not found:
        raise NotFound("the log tells nothing of such an object")
    return found[::-1]
