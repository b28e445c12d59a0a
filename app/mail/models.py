"""The outbox: mails are written with the change that causes them and sent afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, LargeBinary, Text
from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.tables import Table, UtcDateTime, maybe_row_of, row_key
from governance.tenancy import no_tenant


class OutboxMail(Table, table=True):
    """A mail on its way. It is sent at least once; its text is deleted when it is."""

    __tablename__ = "outbox_mail"
    __tenancy__ = no_tenant("a person's mail; only the sender reads it, and it is sealed")
    __table_args__ = {"info": {NOT_AUDITED: "what a mail tells of is an entry of its own"}}  # noqa: RUF012 (SQLAlchemy's own form)

    id: int = row_key()
    idempotency_key: str = Field(sa_type=Text, unique=True)
    """Names what the mail is about; the same again is not queued twice."""
    delivery_id: int | None = maybe_row_of("delivery.id")
    """The delivery whose documents it carries; None for a mail without any."""
    recipient: str = Field(sa_type=Text)
    """Address; empty once the mail is sent, and where its delivery knows the recipients."""
    subject: str = Field(sa_type=Text)
    body_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Sealed with the installation's secret, as it may hold a link that signs in."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime = Field(sa_type=UtcDateTime, index=True)
    attempts: int = Field(default=0, sa_type=Integer)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the last attempt was given up."""
    last_error: str = Field(default="", sa_type=Text)
