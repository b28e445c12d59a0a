"""The tables of the transparency log. Rows of a log are only ever added."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import BigKey, Table, UtcDateTime, maybe_row_of, open_text_of, row_key
from governance.tenancy import no_tenant

NOT_AUDITED = "not_audited"
"""Key of a table's `info`: why changes to its rows are no entries of the log."""


class Action(StrEnum):
    """What happened, `subject:action`."""

    USER_CREATED = "user:created"
    USER_PASSWORD_SET = "user:password_set"  # noqa: S105 (names an action)
    USER_DEACTIVATED = "user:deactivated"
    USER_REACTIVATED = "user:reactivated"
    USER_EMAIL_ASKED = "user:email_asked"
    """A link was sent to an address that a person wants to have."""
    USER_EMAIL_CHANGED = "user:email_changed"
    USER_SIGNED_IN = "user:signed_in"
    USER_SIGN_IN_REFUSED = "user:sign_in_refused"
    USER_SIGNED_OUT = "user:signed_out"
    USER_ERASED = "user:erased"
    USER_INVITED = "user:invited"
    INVITATION_ACCEPTED = "invitation:accepted"
    INVITATION_REVOKED = "invitation:revoked"
    INVITATION_FORGOTTEN = "invitation:forgotten"
    INVITATION_ERASED = "invitation:erased"
    PASSWORD_RESET_ASKED = "password:reset_asked"  # noqa: S105 (names an action)
    SESSION_REVOKED = "session:revoked"
    IDENTITY_CONFIRMED = "identity:confirmed"
    """A person showed anew who they are, before a grave act."""
    IDENTITY_REFUSED = "identity:refused"
    SECOND_FACTOR_ADDED = "second_factor:added"
    SECOND_FACTOR_REMOVED = "second_factor:removed"
    RECOVERY_CODES_MADE = "recovery_codes:made"
    IDENTITY_LINKED = "identity:linked"
    IDENTITY_UNLINKED = "identity:unlinked"
    API_TOKEN_MADE = "api_token:made"  # noqa: S105 (names an action)
    API_TOKEN_REVOKED = "api_token:revoked"  # noqa: S105 (names an action)
    OPERATOR_APPOINTED = "operator:appointed"
    OPERATOR_DISMISSED = "operator:dismissed"
    ACCESS_REFUSED = "access:refused"
    MEMBER_ADDED = "member:added"
    MEMBER_REMOVED = "member:removed"
    MEMBER_CHANGED = "member:changed"
    EXCEPTION_GRANTED = "exception:granted"
    EXCEPTION_REVOKED = "exception:revoked"
    ACCESS_REVIEW_STARTED = "access_review:started"
    ACCESS_REVIEW_DECIDED = "access_review:decided"
    ACCESS_REVIEW_COMPLETED = "access_review:completed"
    ENGAGEMENT_CREATED = "engagement:created"
    CONTRACT_ADDED = "contract:added"
    CONTRACT_ACCEPTED = "contract:accepted"
    EVIDENCE_ACCEPTED = "evidence:accepted"
    EVIDENCE_REJECTED = "evidence:rejected"
    PROFILE_SAVED = "import_profile:saved"
    PERIOD_SETTLED = "period:settled"
    PACK_DRAWN = "pack:drawn"
    """The report of a settled period was drawn anew, with newer templates."""
    FIGURES_ACCEPTED = "figures:accepted"
    """In the logs of before figures were reviewed item by item and sealed."""
    FIGURES_SUBMITTED = "figures:submitted"
    FIGURES_RECALLED = "figures:recalled"
    REVIEW_BEGUN = "review:begun"
    ITEM_AGREED = "review_item:agreed"
    ITEM_CONTESTED = "review_item:contested"
    ITEM_WITHDRAWN = "review_item:withdrawn"
    """What was contested isn't any more."""
    ITEM_ANSWERED = "review_item:answered"
    DECISION_PROPOSED = "decision:proposed"
    DECISION_ACCEPTED = "decision:accepted"
    DECISION_REFUSED = "decision:refused"
    FIGURES_SEALED = "figures:sealed"
    TRENDS_UPDATED = "trends:updated"
    SIMULATION_ASKED = "simulation:asked"
    SIMULATION_FINISHED = "simulation:finished"
    SIMULATION_CANCELLED = "simulation:cancelled"
    DOCUMENT_EXPORTED = "document:exported"
    """A file left the application: who took what, and the digest of its bytes."""
    LOG_EXPORTED = "log:exported"
    LOG_KEY_CHANGED = "log:key_changed"
    REASON_ERASED = "reason:erased"
    """The words that an entry gave as its reason were erased."""
    BACKUP_MADE = "backup:made"
    BACKUP_RESTORED = "backup:restored"
    RELIEF_PROPOSED = "relief:proposed"
    RELIEF_GRANTED = "relief:granted"
    """Wholly or in part, as the entry says."""
    RELIEF_REFUSED = "relief:refused"
    RELIEF_WITHDRAWN = "relief:withdrawn"
    PERIOD_RESTATED = "period:restated"
    CREDIT_CLAIMED = "credit:claimed"
    CREDIT_LAPSED = "credit:lapsed"
    """Nobody claimed a service credit within its window."""
    INCIDENT_MARKED = "incident:marked"
    """Several misses count as of one incident."""
    INCIDENT_REMOVED = "incident:removed"
    INVOICE_CHECKED = "invoice:checked"
    """A draft was looked over."""
    INVOICE_CHECK_TAKEN_BACK = "invoice:check_taken_back"
    INVOICE_APPROVED = "invoice:approved"
    INVOICE_APPROVAL_TAKEN_BACK = "invoice:approval_taken_back"
    INVOICE_ISSUED = "invoice:issued"
    INVOICE_RENDERED = "invoice:rendered"
    """The PDF of an issued invoice was made and frozen."""
    CORRECTED_INVOICE_DRAWN_UP = "corrected_invoice:drawn_up"
    """In place of an invoice that was credited in full; its steps are those of other invoices."""
    CORRECTED_INVOICE_DISCARDED = "corrected_invoice:discarded"
    CREDIT_NOTE_DRAWN_UP = "credit_note:drawn_up"
    CREDIT_NOTE_DISCARDED = "credit_note:discarded"
    CREDIT_NOTE_ISSUED = "credit_note:issued"
    CREDIT_NOTE_RENDERED = "credit_note:rendered"
    """The PDF of an issued credit note was made and frozen."""
    DISPUTE_RAISED = "dispute:raised"
    DISPUTE_UPHELD = "dispute:upheld"
    """The provider upholds what the client disputes."""
    DISPUTE_ACCEPTED = "dispute:accepted"
    """Wholly or in part, as the entry says."""
    DISPUTE_WITHDRAWN = "dispute:withdrawn"
    PAYMENTS_READ = "payments:read"
    """A bank statement was handed in; nothing of it is recorded yet."""
    PAYMENTS_IMPORTED = "payments:imported"
    PAYMENTS_DISCARDED = "payments:discarded"
    PAYMENT_RECORDED = "payment:recorded"
    PAYMENT_ALLOCATED = "payment:allocated"
    ALLOCATION_TAKEN_BACK = "allocation:taken_back"
    PAYMENT_REFUNDED = "payment:refunded"
    PAYMENT_BOUNCED = "payment:bounced"
    WRITE_OFF_PROPOSED = "write_off:proposed"
    WRITE_OFF_APPROVED = "write_off:approved"
    WRITE_OFF_REFUSED = "write_off:refused"
    WRITE_OFF_WITHDRAWN = "write_off:withdrawn"
    WRITE_OFF_REVERSAL_PROPOSED = "write_off_reversal:proposed"
    WRITE_OFF_REVERSAL_APPROVED = "write_off_reversal:approved"
    WRITE_OFF_REVERSAL_REFUSED = "write_off_reversal:refused"
    WRITE_OFF_REVERSAL_WITHDRAWN = "write_off_reversal:withdrawn"
    WRITE_OFF_RECOVERED = "write_off:recovered"
    """A payment came after all for what was written off."""
    WRITE_OFF_RECOVERY_TAKEN_BACK = "write_off:recovery_taken_back"
    """That payment doesn't pay it any more: it is written off again."""
    INVOICE_REFUNDED = "invoice:refunded"
    """An invoice in the client's favour was paid out."""
    INVOICE_REFUND_TAKEN_BACK = "invoice_refund:taken_back"
    DELIVERY_QUEUED = "delivery:queued"
    """A mail with frozen documents was put into the outbox."""
    DELIVERY_SENT = "delivery:sent"
    """The mail server took it."""
    DELIVERY_GIVEN_UP = "delivery:given_up"
    DELIVERY_RECORDED = "delivery:recorded"
    """Something was delivered outside the application."""
    DELIVERY_ACKNOWLEDGED = "delivery:acknowledged"
    """The client said that it came."""
    RECIPIENT_ERASED = "recipient:erased"
    """The address of somebody without an account, whom mails went to."""
    REMINDER_ISSUED = "reminder:issued"
    REMINDER_RENDERED = "reminder:rendered"
    """The PDF of an issued reminder was made and frozen."""
    LATE_CHARGE_WAIVED = "late_charge:waived"
    STATEMENT_KEPT = "statement:kept"
    """A statement of account was frozen to be sent."""
    PROVIDER_INVOICE_HANDED_IN = "provider_invoice:handed_in"
    """An invoice of the provider's own system."""
    PROVIDER_INVOICE_CHECKED = "provider_invoice:checked"
    """A period's were held against contract and evidence."""
    PROVIDER_INVOICE_MATCHED = "provider_invoice:matched"
    """A person said what a billed line is for."""
    PROVIDER_INVOICE_APPROVED = "provider_invoice:approved"
    PROVIDER_INVOICE_CONTESTED = "provider_invoice:contested"
    PROVIDER_INVOICE_SET_ASIDE = "provider_invoice:set_aside"
    PROVIDER_PROFILE_SAVED = "provider_profile:saved"
    CONTEST_RAISED = "contest:raised"
    """A difference of the provider's own invoice is contested."""
    CONTEST_ANSWERED = "contest:answered"
    CONTEST_WITHDRAWN = "contest:withdrawn"
    CONTEST_RESOLVED = "contest:resolved"
    RUN_STARTED = "run:started"
    """Work for many engagements was queued."""
    RUN_PAUSED = "run:paused"
    RUN_RESUMED = "run:resumed"
    RUN_CANCELLED = "run:cancelled"
    RUN_RETRIED = "run:retried"
    """What a run had set aside is tried again."""
    RUN_FINISHED = "run:finished"
    ROWS_CHANGED = "rows:changed"
    """Rows that changed in a transaction whose service named no change of its own."""
    SCHEMA_MIGRATED = "schema:migrated"
    """Rows as they stand after the schema changed; also those from before the log began."""


def _own_table(
    *constraints: Index | UniqueConstraint,
) -> tuple[Index | UniqueConstraint | dict[str, dict[str, str]], ...]:
    return (*constraints, {"info": {NOT_AUDITED: "it is the log itself"}})


_SEARCHED = {
    "time": (),
    "actor": ("actor_id",),
    "person": ("person_id",),
    "action": ("action",),
    "object": ("subject_kind", "subject_id"),
    "label": ("subject_label",),
    "request": ("request_id",),
}
"""By which columns auditors search, always within an engagement and newest first."""
_BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its characters, so that an index finds what begins with some."""


class AuditEntry(Table, table=True):
    """One entry: the bytes that count, and beside them what is needed to find it."""

    __tablename__ = "audit_entry"
    __table_args__ = _own_table(
        *(
            Index(f"ix_audit_entry_by_{name}", "engagement_id", *columns, "at", "id")
            for name, columns in _SEARCHED.items()
        ),
    )

    id: int = row_key()
    uid: str = Field(sa_type=String(32), unique=True)
    """The entry's own id, which also stands in its bytes."""
    at: datetime = Field(sa_type=UtcDateTime)
    actor_id: int | None = maybe_row_of("user_account.id")
    """None for the command line and for strangers at the door."""
    action: Action = Field(sa_type=open_text_of(Action))
    engagement_id: int | None = Field(
        default=None, foreign_key="engagement.id", sa_type=BigKey, ondelete="RESTRICT"
    )
    subject_kind: str = Field(sa_type=Text)
    """Table of what was changed."""
    subject_id: str = Field(sa_type=Text)
    subject_label: str | None = Field(default=None, sa_type=_BYTEWISE)
    """What people call it; None where that is a person's name or address."""
    person_id: int | None = Field(default=None, sa_type=BigKey)
    """The user whom the entry is about, None for none."""
    request_id: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    data: bytes = Field(sa_type=LargeBinary)
    """RFC 8785 bytes, from which the leaf is hashed."""
    leaf_index: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """Place in the tree, None until the sequencer has given one."""


_HASHES = no_tenant("hashes, from which nothing of an entry can be read")


class AuditNode(Table, table=True):
    """Hash of one complete subtree; level 0 are the leaves."""

    __tablename__ = "audit_node"
    __tenancy__ = _HASHES
    __table_args__ = _own_table()

    level: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    position: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    hash: bytes = Field(sa_type=LargeBinary)


class AuditCheckpoint(Table, table=True):
    """A checkpoint that was signed."""

    __tablename__ = "audit_checkpoint"
    __tenancy__ = _HASHES
    __table_args__ = _own_table()

    size: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    root: bytes = Field(sa_type=LargeBinary)
    note: str = Field(sa_type=Text)
    """The signed note, to the byte."""
    signed_at: datetime = Field(sa_type=UtcDateTime)


class AuditHead(Table, table=True):
    """The one row whose lock a sequencer holds."""

    __tablename__ = "audit_head"
    __tenancy__ = _HASHES
    __table_args__ = _own_table()

    id: int = Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})
    size: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_type=LargeBinary)


class AuditPersonalValue(Table, table=True):
    """A value about a person that entries commit to, with the key of the commitment.

    Deleting the row erases the value; the entries stay provable.
    """

    __tablename__ = "audit_personal_value"
    __tenancy__ = no_tenant("a person's; found by the refs in entries that are seen")
    __table_args__ = _own_table()

    ref: str = Field(primary_key=True, sa_type=String(32))
    """What entries call the value."""
    person_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    """The user whose data it is; no foreign key, as it must outlive nothing."""
    value: str = Field(sa_type=Text)
    key: bytes = Field(sa_type=LargeBinary)


class AuditCosignature(Table, table=True):
    """A witness's signature on a checkpoint (c2sp.org/tlog-cosignature)."""

    __tablename__ = "audit_cosignature"
    __tenancy__ = _HASHES
    __table_args__ = _own_table(UniqueConstraint("size", "witness_key"))

    id: int = row_key()
    size: int = Field(foreign_key="audit_checkpoint.size", sa_type=BigInteger, ondelete="RESTRICT")
    witness_key: str = Field(sa_type=Text)
    """The witness's verifier key, as it was trusted when the signature was asked for."""
    line: str = Field(sa_type=Text)
    """The signature line, to the byte."""
    cosigned_at: datetime = Field(sa_type=UtcDateTime)
    """The moment that the witness states."""


class AuditTimestamp(Table, table=True):
    """What a time-stamping authority said of a checkpoint (RFC 3161)."""

    __tablename__ = "audit_timestamp"
    __tenancy__ = _HASHES
    __table_args__ = _own_table()

    id: int = row_key()
    size: int = Field(foreign_key="audit_checkpoint.size", sa_type=BigInteger, ondelete="RESTRICT")
    authority: str = Field(sa_type=Text)
    """Address of the authority."""
    token: bytes = Field(sa_type=LargeBinary)
    """The DER bytes of the time-stamp response."""
    stamped_at: datetime = Field(sa_type=UtcDateTime)
    """The moment that the token states."""
