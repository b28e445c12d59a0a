"""Tables of claims to service credits, and of the incidents behind misses."""

from __future__ import annotations

import json
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Integer, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import Currency, Table, UtcDateTime, maybe_row_of, row_key, row_of
from governance.values import Money, Period
from sla.claims.values import Incident
from sla.service_credits.values import Claims, ClaimState


class CreditClaim(Table, table=True):
    """What became of a period's credit that has to be claimed; no row while nothing did."""

    __tablename__ = "credit_claim"
    __table_args__ = (
        UniqueConstraint("engagement_id", "period_start", "period_end"),
        CheckConstraint("(claimed_on IS NULL) = (decided_by_id IS NULL)", name="claimed_by"),
    )

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    until: date = Field(sa_type=Date)
    """Last day of the window by the contract that governed the period."""
    claimed_on: date | None = Field(default=None, sa_type=Date)
    """The day of the claim, where the engagement is; None for a credit that lapsed."""
    decided_at: datetime = Field(sa_type=UtcDateTime)
    """When it was claimed, or recorded as lapsed."""
    decided_by_id: int | None = maybe_row_of("user_account.id")
    """Who claimed it for the client."""
    currency: str = Field(sa_type=Currency)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    """The credit as it was stated then; None where the period wasn't settled yet."""

    @property
    def period(self) -> Period:
        """The days that the credit is for."""
        return Period(self.period_start, self.period_end)

    @property
    def state(self) -> ClaimState:
        """Claimed, or lapsed."""
        return ClaimState.LAPSED if self.claimed_on is None else ClaimState.CLAIMED

    @property
    def amount(self) -> Money | None:
        """The credit as it was stated then."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)

    @property
    def claims(self) -> Claims:
        """What calculations know of it."""
        if self.claimed_on is not None:
            return Claims(self.claimed_on, self.claimed_on)
        return Claims(date.fromordinal(self.until.toordinal() + 1))


class CreditIncident(Table, table=True):
    """Misses of a period that the client marked as of one incident."""

    __tablename__ = "credit_incident"
    __table_args__ = (UniqueConstraint("engagement_id", "number"),)

    id: int = row_key()
    engagement_id: int = row_of("engagement.id", index=False)
    number: int = Field(sa_type=Integer)
    """Counted from 1 within the engagement; INC-3 is the third."""
    period_start: date = Field(sa_type=Date)
    period_end: date = Field(sa_type=Date)
    reason: str = Field(sa_type=Text)
    """What happened, in words that both sides read."""
    service_levels_json: str = Field(sa_type=Text)
    counts: str | None = Field(default=None, sa_type=Text)
    """The service level that counts, where the contract lets the client choose."""
    marked_at: datetime = Field(sa_type=UtcDateTime)
    marked_by_id: int = row_of("user_account.id")
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """None while the misses count as of one incident."""
    removed_by_id: int | None = maybe_row_of("user_account.id")

    @property
    def reference(self) -> str:
        """How it is cited."""
        return f"INC-{self.number}"

    @property
    def period(self) -> Period:
        """The days of the misses."""
        return Period(self.period_start, self.period_end)

    @property
    def service_levels(self) -> tuple[str, ...]:
        """The ids of the service levels that were missed."""
        return tuple(json.loads(self.service_levels_json))

    @property
    def incident(self) -> Incident:
        """What calculations know of it."""
        return Incident(self.reference, self.service_levels, self.counts)
