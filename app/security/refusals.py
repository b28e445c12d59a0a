"""Refused requests of signed-in people as entries of the audit log.

An entry says who was refused on which page, never what the page would have shown. The server's
own log keeps every refusal; the audit log a few a minute and person, so that nobody floods it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.types import Scope
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.database import session_scope
from app.errors import outcome_of
from app.security.detours import TokenRefused
from app.web.addresses import identifier
from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import visible
from governance.errors import Busy, Forbidden, NotFound
from governance.tenancy import EVERYTHING

NOTED_A_MINUTE = 10
"""Entries that a person's refusals make in a minute; the last of them says that there are more."""
_MINUTE = timedelta(minutes=1)
_PATIENCE = 2_000
"""Milliseconds to wait for others' locks: an answer must not hang on a note."""
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
"""What a reference may be. Other texts in an address could be anything, so they are not kept."""
_MORE = "more refusals of this minute stand in the server's log only"
_LOG = logging.getLogger("plumbline.refusals")


@dataclass(frozen=True, slots=True)
class Refused:
    """What a signed-in person asked for in vain."""

    actor: Actor
    method: str
    route: str
    """The page's pattern, in which no name or number of an object stands."""
    reference: str
    """The engagement that the address names, empty for none."""
    status: int


async def note_refusal(error: Exception, scope: Scope) -> None:
    """Hook for every error of a request: note it if it refused a signed-in person something."""
    refused = _refused(error, scope)
    if refused is None:
        return
    try:
        await sync_to_thread(store_refusal, scope["litestar_app"].state.engine, refused)
    except Busy:
        _LOG.warning("refusal not noted in the audit log: the database is busy")


def _refused(error: Exception, scope: Scope) -> Refused | None:
    person = scope.get("user")
    status = _status_of(error)
    reference = scope.get("path_params", {}).get("reference", "")
    if person is None or status not in ({403, 404} if reference else {403}):
        return None
    return Refused(
        person.actor,
        str(scope.get("method", "")),
        str(scope.get("path_template", "")),
        identifier(reference),
        status,
    )


def _status_of(error: Exception) -> int:
    """The status of an error by which a person or a program is refused; 0 for all others."""
    if isinstance(error, TokenRefused):
        return error.status
    if isinstance(error, Forbidden | NotFound):
        return outcome_of(error).http_status
    return 0


def store_refusal(engine: Engine, refused: Refused) -> None:
    """Add the entry, unless the person has made enough of them in the last minute.

    Something missing in an engagement of one's own is no refusal. An engagement of others and
    one that doesn't exist are noted alike, so that the time of an answer tells them not apart.
    Raises Busy where the database is.
    """
    with session_scope(engine, sees=EVERYTHING, patience=_PATIENCE) as session:
        own = _own_engagement(session, refused)
        if refused.status == 404 and own is not None:
            return
        room = NOTED_A_MINUTE - _noted(session, refused.actor)
        if room > 0:
            record(session, refused.actor, _change(refused, own, last=room == 1))


def _own_engagement(session: Session, refused: Refused) -> Engagement | None:
    """The engagement asked for, if the person is a member of it."""
    if not refused.reference.isprintable():
        return None
    found = session.execute(
        visible(refused.actor).where(col(Engagement.reference) == refused.reference)
    )
    return found.scalar_one_or_none()


def _noted(session: Session, actor: Actor) -> int:
    counted = select(func.count(col(AuditEntry.id))).where(
        col(AuditEntry.actor_id) == actor.user_id,
        col(AuditEntry.action) == Action.ACCESS_REFUSED,
        col(AuditEntry.at) > actor.at - _MINUTE,
    )
    found: int = session.execute(counted).scalar_one()
    return found


def _change(refused: Refused, own: Engagement | None, *, last: bool) -> Change:
    after: dict[str, Any] = {"method": refused.method, "status": refused.status}
    if _REFERENCE.fullmatch(refused.reference):
        after["asked_for"] = refused.reference
    if last:
        after["note"] = _MORE
    return Change(
        Action.ACCESS_REFUSED,
        "page",
        refused.route,
        f"{refused.method} {refused.route}",
        own.id if own is not None else None,
        after=after,
    )
