"""A settled period as its page tells it: service levels with their trend, and a summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from app.documents.charts import TrendPoint, sparkline, trend_chart, trend_points
from app.documents.formatting import money, period
from app.documents.wording import count_word
from billing.settlement.queries import SettledPeriod
from governance.contract.document import Contract
from governance.contract.service_levels import ServiceLevel
from sla.measurements.queries import measurement_of
from sla.measurements.values import MeasuredPeriod, Measurement, Status
from sla.service_credits.models import ServiceCreditRecord

_MISSED = {
    Status.BELOW_EXPECTED: "fell below the expected level",
    Status.BELOW_MINIMUM: "fell below the minimum",
    Status.NO_DATA: "had no data",
}


@dataclass(frozen=True, slots=True)
class LevelView:
    """One service level of a period."""

    terms: ServiceLevel
    measurement: Measurement
    credit: ServiceCreditRecord | None
    """None where the contract agrees no service credits."""
    trend: tuple[TrendPoint, ...]
    """Up to and including this period, oldest first."""
    currency: str

    @property
    def places(self) -> int | None:
        """Decimals that the contract rounds to."""
        return self.terms.round_to

    @property
    def sparkline(self) -> Markup:
        """The trend in the size of a word."""
        return sparkline(self.trend, self._title, self.currency)

    @property
    def chart(self) -> Markup:
        """The trend with the promised levels."""
        return trend_chart(self.trend, self._title, self.currency)

    @property
    def _title(self) -> str:
        return f"{self.terms.title}, {len(self.trend)} periods"


def level_views(
    settled: SettledPeriod, contract: Contract, history: Sequence[MeasuredPeriod]
) -> tuple[LevelView, ...]:
    """The service levels of a settled period, in the contract's order."""
    awarded = {one.service_level: one for one in settled.credits}
    return tuple(
        LevelView(
            terms=settled.terms_of(contract, row.service_level),
            measurement=measurement_of(row),
            credit=awarded.get(row.service_level),
            trend=trend_points(history, row.service_level),
            currency=settled.measured.currency,
        )
        for row in settled.measurements
    )


def summary(settled: SettledPeriod) -> str:
    """What was met and missed, what it cost, and what is payable, in plain words."""
    statuses = [row.status for row in settled.measurements]
    return " ".join((_met(settled, statuses), *_missed(statuses), *_cost(settled)))


def _met(settled: SettledPeriod, statuses: Sequence[Status]) -> str:
    when = period(settled.period)
    if not statuses:
        return f"The contract promises no service levels for {when}."
    met, count = statuses.count(Status.MET), len(statuses)
    if met == count:
        return f"Every service level was met in {when}."
    of = f"{count_word(met)} of {count_word(count).lower()} service levels"
    return f"{of} {_were(met)} met in {when}."


def _missed(statuses: Sequence[Status]) -> Iterator[str]:
    for status, clause in _MISSED.items():
        if count := statuses.count(status):
            yield f"{count_word(count)} {clause}."
    if excused := statuses.count(Status.EXCUSED):
        yield f"{count_word(excused)} {_were(excused)} excused."


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _cost(settled: SettledPeriod) -> Iterator[str]:
    total, invoice = settled.credit_total, settled.invoice
    if total is not None and total.net.amount > Decimal(0):
        yield f"The service credit is {money(total.net.amount, total.currency)}."
    elif total is not None:
        yield "No service credit is due."
    payable = invoice.money(invoice.payable_minor)
    yield f"The client pays {money(payable.amount, payable.currency)}, tax included."
