"""Tables of deliveries: what went to the client, which way, to whom and with which documents."""

from __future__ import annotations

from datetime import date, datetime
from secrets import token_hex

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from billing.deliveries.values import (
    DeliveryState,
    DeliverySubject,
    DocumentTable,
    Means,
    RecipientKind,
)
from governance.tables import (
    Sha256,
    Table,
    UtcDateTime,
    maybe_row_of,
    open_text_of,
    row_key,
    row_of,
    text_of,
)
from governance.tenancy import through


class Delivery(Table, table=True):
    """One delivery of an issued document, which it never changes."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("subject", "subject_id", "number"),
        Index("ix_delivery_engagement_id_state", "engagement_id", "state"),
        CheckConstraint("(state = 'sent') = (delivered_on IS NOT NULL)", name="sent_on_a_day"),
        CheckConstraint("state = 'sent' OR means = 'email'", name="only_mails_wait"),
        CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by_id IS NULL)"
            " AND (acknowledged_at IS NULL OR state = 'sent')",
            name="acknowledged_by_somebody",
        ),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    subject: DeliverySubject = Field(sa_type=open_text_of(DeliverySubject))
    subject_id: int = Field(sa_type=BigInteger)
    """Row of the table that `subject` names."""
    name: str = Field(sa_type=Text)
    """What people call it: "invoice CW-2026-00001"."""
    number: int = Field(sa_type=Integer)
    """Counted from 1 for each subject, so that of two that are made at once one is refused."""
    means: Means = Field(sa_type=text_of(Means, "means"))
    state: DeliveryState = Field(sa_type=text_of(DeliveryState, "state"))
    language: str = Field(default="", sa_type=Text)
    """Of the mail; empty for other means."""
    note: str = Field(default="", sa_type=Text)
    """What the sender wrote besides the letter, or about the delivery."""
    reference: str = Field(default="", sa_type=Text)
    """What a portal, access point or carrier calls it."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")
    delivered_on: date | None = Field(default=None, sa_type=Date)
    """Of a mail: the day on which the mail server took it, in UTC."""
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the mail server took it."""
    given_up_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", sa_type=Text)
    """Why it was given up."""
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    acknowledged_by_id: int | None = maybe_row_of("user_account.id")
    """Who said for the client that it came."""


class DeliveryRecipient(Table, table=True):
    """An address that a mail goes to; it stays as evidence until the person is erased."""

    __tablename__ = "delivery_recipient"
    __tenancy__ = through("delivery_id", Delivery)
    __table_args__ = (UniqueConstraint("delivery_id", "position"),)

    id: int = row_key()
    delivery_id: int = row_of("delivery.id", index=False)
    position: int = Field(sa_type=Integer)
    """Counted from 1."""
    kind: RecipientKind = Field(sa_type=text_of(RecipientKind, "kind"))
    address: str = Field(sa_type=Text, index=True)
    """Empty once it is erased."""
    salt: str = Field(default_factory=lambda: token_hex(16), sa_type=Text)
    """Random, so that the row's digest in the audit log tells no erased address."""
    problem: str = Field(default="", sa_type=Text)
    """Why the mail server didn't take the mail for this one; empty where it did."""


class DeliveryDocument(Table, table=True):
    """A frozen document that a mail carries, by reference; its bytes stay where they are."""

    __tablename__ = "delivery_document"
    __tenancy__ = through("delivery_id", Delivery)
    __table_args__ = (UniqueConstraint("delivery_id", "position"),)

    id: int = row_key()
    delivery_id: int = row_of("delivery.id", index=False)
    position: int = Field(sa_type=Integer)
    """Counted from 1."""
    document_table: DocumentTable = Field(sa_type=open_text_of(DocumentTable))
    owner_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    file_name: str = Field(sa_type=Text)
    sha256: str | None = Field(default=None, sa_type=Sha256)
    """None for a PDF that wasn't made yet when the mail was queued, until it is sent."""
