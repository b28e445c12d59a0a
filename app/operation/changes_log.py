"""Tell the log of the server which changes were committed: the audit entry's action and id."""

from __future__ import annotations

import logging

from sqlalchemy import event
from sqlalchemy.orm import Session, UOWTransaction

from governance.audit.models import Action, AuditEntry

_LOG = logging.getLogger("plumbline.changes")
_PENDING = "changes_to_log"
_REFUSALS = frozenset({Action.USER_SIGN_IN_REFUSED, Action.IDENTITY_REFUSED, Action.ACCESS_REFUSED})


def log_changes() -> None:
    """Write a line for each audit entry once its transaction is committed; may be called again.

    Of the entry only action, acting user, request and id are told: who may know more looks the
    id up in the audit log.
    """
    for name, listener in (
        ("after_flush", _collect),
        ("after_commit", _tell),
        ("after_soft_rollback", _forget),
    ):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def _collect(session: Session, _context: UOWTransaction) -> None:
    entries = [one for one in session.new if isinstance(one, AuditEntry)]
    session.info.setdefault(_PENDING, []).extend(
        {"action": one.action.value, "user": one.actor_id, "entry": one.uid} for one in entries
    )


def _tell(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for fields in session.info.pop(_PENDING, []):
        refused = Action(fields["action"]) in _REFUSALS
        _LOG.log(logging.WARNING if refused else logging.INFO, "recorded", extra=fields)


def _forget(session: Session, _previous: object) -> None:
    """What was rolled back didn't happen; after a savepoint the audit log alone tells the rest."""
    session.info.pop(_PENDING, None)
