"""What the audit log says of credit notes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.credit_notes.models import CreditNote
from governance.access import Actor
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.values import money_text


def record_note(
    session: Session, actor: Actor, note: CreditNote, action: Action, /, **further: str
) -> None:
    """The entry of one step of a note; `further` says more of it, where it isn't empty."""
    payable = note.money(note.payable_minor)
    after = {
        "state": note.state.value,
        "payable": money_text(payable.amount, payable.currency),
        "currency": payable.currency,
    } | {key: value for key, value in further.items() if value}
    change = Change(
        action,
        "credit_note",
        note.id,
        note.name,
        note.engagement_id,
        None,
        after,
        reason=note.reason,
    )
    record(session, actor, change)
