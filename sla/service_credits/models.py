"""Tables of service credits, in whole minor units of their currency."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, UniqueConstraint
from sqlmodel import Field

from governance.tables import Currency, Table, row_key, row_of, text_of
from governance.tenancy import through
from governance.values import Money
from sla.measurements.models import MeasuredPeriodRecord
from sla.measurements.values import Status


class ServiceCreditTotal(Table, table=True):
    """What one measured period's misses cost the provider."""

    __tablename__ = "service_credit_total"
    __tenancy__ = through("measured_period_id", MeasuredPeriodRecord)

    id: int = row_key()
    measured_period_id: int = row_of("measured_period.id")
    currency: str = Field(sa_type=Currency)
    base_minor: int = Field(sa_type=BigInteger)
    cap_minor: int | None = Field(default=None, sa_type=BigInteger)
    """None where no cap is agreed."""
    before_cap_minor: int = Field(sa_type=BigInteger)
    credit_minor: int = Field(sa_type=BigInteger)
    earned_back_minor: int = Field(sa_type=BigInteger)
    net_minor: int = Field(sa_type=BigInteger)
    earn_backs_json: str | None = Field(default=None, sa_type=Text)
    """What makes up `earned_back_minor`: service level, period, amount and sentence."""
    bonus_minor: int = Field(default=0, sa_type=BigInteger)
    """What the client pays for surpassing."""
    further_json: str | None = Field(default=None, sa_type=Text)
    """Persistent failures, late milestones, balances and the claim as they stood, if any."""

    @property
    def net(self) -> Money:
        """Credit less what was earned back, and less the bonus."""
        return Money(self.net_minor, self.currency)


class ServiceCreditRecord(Table, table=True):
    """One service level's share in a period's service credit."""

    __tablename__ = "service_credit"
    __tenancy__ = through("total_id", ServiceCreditTotal)
    __table_args__ = (UniqueConstraint("total_id", "service_level"),)

    id: int = row_key()
    total_id: int = row_of("service_credit_total.id", index=False)
    service_level: str = Field(sa_type=Text)
    value: str | None = Field(default=None, sa_type=Text)
    status: Status = Field(sa_type=text_of(Status, "status"))
    currency: str = Field(sa_type=Currency)
    before_cap_minor: int = Field(sa_type=BigInteger)
    credit_minor: int = Field(sa_type=BigInteger)
    points: str | None = Field(default=None, sa_type=Text)
    multiplier: str | None = Field(default=None, sa_type=Text)
    bonus_minor: int | None = Field(default=None, sa_type=BigInteger)
    """None where the method has no bonus."""
    expected: str | None = Field(default=None, sa_type=Text)
    """The promise in force, where a ratchet sets it."""
    why: str = Field(sa_type=Text)

    @property
    def credit(self) -> Money:
        """After the cap was shared out."""
        return Money(self.credit_minor, self.currency)
