"""Tables of statements of account that were kept to be sent."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Date, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field

from governance.tables import Currency, Sha256, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import through
from governance.values import Money


class AccountStatement(Table, table=True):
    """A statement of account as the client has it; kept ones never change."""

    __tablename__ = "account_statement"
    __table_args__ = (UniqueConstraint("engagement_id", "number"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement."""
    first_day: date = Field(sa_type=Date)
    last_day: date = Field(sa_type=Date)
    currency: str = Field(sa_type=Currency)
    closing_minor: int = Field(sa_type=BigInteger)
    """What the client owes by it."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by_id: int = row_of("user_account.id")

    @property
    def closing(self) -> Money:
        """What the client owes by it."""
        return Money(self.closing_minor, self.currency)


class StatementDocumentKind(StrEnum):
    """The documents of a statement; values are file names."""

    PDF = "statement.pdf"


class StatementDocument(Table, table=True):
    """One document of a statement, byte for byte."""

    __tablename__ = "statement_document"
    __tenancy__ = through("statement_id", AccountStatement)
    __table_args__ = (UniqueConstraint("statement_id", "kind"),)

    id: int = row_key()
    statement_id: int = row_of("account_statement.id", index=False)
    kind: StatementDocumentKind = Field(sa_type=text_of(StatementDocumentKind, "kind"))
    sha256: str = Field(sa_type=Sha256)
    data: bytes = Field(sa_type=LargeBinary)
    template_version: str = Field(sa_type=Sha256)
    """What templates, styles and fonts were."""
