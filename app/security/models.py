"""The table of sign-in sessions."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.tables import Sha256, Table, UtcDateTime, row_key, row_of


class SignInSession(Table, table=True):
    """One signed-in browser. The token itself is only in its cookie; here stands its digest."""

    __tablename__ = "sign_in_session"
    __table_args__ = {"info": {NOT_AUDITED: "signing in and out are entries of their own"}}  # noqa: RUF012 (SQLAlchemy's own form)

    id: int = row_key()
    token_sha256: str = Field(sa_type=Sha256, unique=True)
    user_id: int = row_of("user_account.id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
