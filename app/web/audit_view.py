"""Entries of the log as pages show them: in words, in local time, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.documents.formatting import words
from governance.audit.entries import ERASED
from governance.audit.models import Action
from governance.audit.service import Event
from governance.tables import canonical_json

_DONE: Final[Mapping[Action, str]] = {
    Action.USER_CREATED: "opened the account",
    Action.USER_PASSWORD_SET: "set the password of",
    Action.USER_DEACTIVATED: "closed the account",
    Action.USER_SIGNED_IN: "signed in as",
    Action.USER_SIGN_IN_REFUSED: "was refused to sign in as",
    Action.USER_SIGNED_OUT: "signed out",
    Action.USER_ERASED: "erased the person",
    Action.USER_INVITED: "invited",
    Action.INVITATION_ACCEPTED: "accepted the invitation of",
    Action.INVITATION_REVOKED: "revoked the invitation of",
    Action.INVITATION_FORGOTTEN: "forgot, after 30 days, the unused invitation",
    Action.INVITATION_ERASED: "erased the invitation",
    Action.PASSWORD_RESET_ASKED: "asked for a new password for",
    Action.SESSION_REVOKED: "ended a session of",
    Action.IDENTITY_CONFIRMED: "confirmed who they are:",
    Action.IDENTITY_REFUSED: "failed to confirm who they are:",
    Action.SECOND_FACTOR_ADDED: "added a second factor:",
    Action.SECOND_FACTOR_REMOVED: "removed a second factor:",
    Action.RECOVERY_CODES_MADE: "made recovery codes:",
    Action.IDENTITY_LINKED: "linked an identity:",
    Action.IDENTITY_UNLINKED: "unlinked an identity:",
    Action.API_TOKEN_MADE: "made the API token",
    Action.API_TOKEN_REVOKED: "revoked the API token",
    Action.OPERATOR_APPOINTED: "let run the installation:",
    Action.OPERATOR_DISMISSED: "no longer lets run the installation:",
    Action.ACCESS_REFUSED: "was refused",
    Action.MEMBER_ADDED: "gave a role to",
    Action.MEMBER_REMOVED: "took a role from",
    Action.MEMBER_CHANGED: "changed a role of",
    Action.EXCEPTION_GRANTED: "granted an exception to",
    Action.EXCEPTION_REVOKED: "revoked an exception of",
    Action.ACCESS_REVIEW_STARTED: "began the access review",
    Action.ACCESS_REVIEW_DECIDED: "decided on the role of",
    Action.ACCESS_REVIEW_COMPLETED: "completed the access review",
    Action.ENGAGEMENT_CREATED: "opened the engagement",
    Action.CONTRACT_ADDED: "added the contract version",
    Action.CONTRACT_ACCEPTED: "accepted the contract version",
    Action.EVIDENCE_ACCEPTED: "handed in evidence:",
    Action.EVIDENCE_REJECTED: "handed in evidence that was rejected:",
    Action.PERIOD_SETTLED: "settled",
    Action.PACK_DRAWN: "drew anew the report of",
    Action.FIGURES_ACCEPTED: "accepted the figures of",
    Action.FIGURES_SUBMITTED: "submitted the figures of",
    Action.FIGURES_RECALLED: "took back the figures of",
    Action.REVIEW_BEGUN: "began to review",
    Action.ITEM_AGREED: "agreed to",
    Action.ITEM_CONTESTED: "contested",
    Action.ITEM_WITHDRAWN: "no longer contests",
    Action.ITEM_ANSWERED: "answered on",
    Action.DECISION_PROPOSED: "proposed a decision on",
    Action.DECISION_ACCEPTED: "accepted the proposed decision on",
    Action.DECISION_REFUSED: "refused the proposed decision on",
    Action.FIGURES_SEALED: "sealed the figures of",
    Action.DOCUMENT_EXPORTED: "took out",
    Action.LOG_EXPORTED: "exported the log:",
    Action.LOG_KEY_CHANGED: "changed the key of the log",
    Action.REASON_ERASED: "erased the reason of the entry",
    Action.INVOICE_CHECKED: "checked the invoice of",
    Action.INVOICE_CHECK_TAKEN_BACK: "took back the check of the invoice of",
    Action.INVOICE_APPROVED: "approved the invoice of",
    Action.INVOICE_APPROVAL_TAKEN_BACK: "took back the approval of the invoice of",
    Action.INVOICE_ISSUED: "issued the invoice",
    Action.INVOICE_RENDERED: "made the PDF of the invoice",
    Action.CREDIT_NOTE_RENDERED: "made the PDF of the credit note",
    Action.DELIVERY_QUEUED: "sent by e-mail:",
    Action.DELIVERY_SENT: "handed over to the mail server:",
    Action.DELIVERY_GIVEN_UP: "gave up the mail of",
    Action.DELIVERY_RECORDED: "recorded that it was delivered elsewhere:",
    Action.DELIVERY_ACKNOWLEDGED: "said for the client that it came:",
    Action.RECIPIENT_ERASED: "erased the address of a recipient:",
    Action.RUN_STARTED: "started the run",
    Action.RUN_PAUSED: "paused the run",
    Action.RUN_RESUMED: "resumed the run",
    Action.RUN_CANCELLED: "cancelled the run",
    Action.RUN_RETRIED: "tried again what was set aside by the run",
    Action.RUN_FINISHED: "finished the run",
    Action.ROWS_CHANGED: "changed rows",
    Action.SCHEMA_MIGRATED: "migrated the schema:",
}
"""What somebody did, between the person and the object."""
_KINDS: Final[Mapping[str, str]] = {
    "user_account": "Account",
    "membership": "Role of a person",
    "file": "File that was taken out",
    "fee_invoice": "Invoice",
    "settlement": "Settled period",
    "figures_submission": "Submitted figures",
    "figures_seal": "Sealed figures",
    "review_item": "Figure under review",
    "contract_version": "Contract version",
    "evidence_hand_in": "Evidence",
    "page": "Page",
    "schema": "Schema",
    "audit_entry": "The log",
    "audit_checkpoint": "Checkpoint of the log",
}


def action_words(action: Action) -> str:
    """An action as a choice in a list: "Invoice issued"."""
    return words(action.value.replace(":", " ")).capitalize()


def kind_words(kind: str) -> str:
    """A table as people know its rows."""
    return _KINDS.get(kind, words(kind).capitalize())


def deed(action: Action) -> str:
    """What was done, as it stands between the person and the object."""
    return _DONE.get(action, words(action.value.replace(":", " ")))


@dataclass(frozen=True, slots=True)
class EventView:
    """One entry in a list."""

    event: Event
    when: str
    """In the time zone of the page."""
    what: str
    kind: str
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after; None where it wasn't stated."""

    name: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


def event_view(event: Event, zone: ZoneInfo) -> EventView:
    """An entry as a list shows it."""
    return EventView(
        event,
        moment_text(event.at, zone),
        deed(event.action),
        kind_words(event.subject_kind),
        field_changes(_loaded(event.before), _loaded(event.after)),
    )


def _loaded(fields: str | None) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(fields) if fields else {}
    return loaded


def moment_text(at: datetime, zone: ZoneInfo) -> str:
    """A moment where the engagement is, to the second: "2026-03-02 10:30:00"."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def field_changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[FieldChange, ...]:
    """Both sides field by field, in the order in which they were stated."""
    old, new = dict(_flat(before or {})), dict(_flat(after or {}))
    names = dict.fromkeys((*old, *new))
    return tuple(FieldChange(name, old.get(name), new.get(name)) for name in names)


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case Sequence() if not isinstance(value, str):
            return canonical_json(value).decode()
        case _:
            return str(value)


def is_erased(text: str) -> bool:
    """Whether a value that people see stands for one that was erased."""
    return text == ERASED
