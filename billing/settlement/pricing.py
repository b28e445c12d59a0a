"""What one month charges: the usage behind its invoice, the amounts, and the base of credits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.charges.calculation import price
from billing.charges.values import ChargeLine, PricedPeriod, Usage
from billing.metering.values import NO_METERING, Metering
from billing.settlement.earlier import Charged, charged_by, with_earlier
from billing.settlement.late import late_usage
from billing.settlement.metered import as_metered, metered_usage, sources_of
from billing.settlement.spans import invoice_span
from billing.settlement.values import MeterReading, SealedMonth
from governance.contract.charges import EarlyTerminationCharge, VolumeRebateCharge
from governance.contract.document import Contract
from governance.values import Period
from sla.evidence.values import EvidenceDigest

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger


@dataclass(frozen=True, slots=True)
class PricedMonth:
    """One month as its invoice charges it, before the service credit."""

    usage: Usage
    """Of the whole span that the invoice charges; only the month where it has no invoice."""
    charged: Charged
    """Empty for a month that a later one's invoice charges."""
    credit_base: Decimal
    """What percentage credits of the month are taken from."""
    delivered: tuple[ChargeLine, ...] = ()
    """What a month that a later one's invoice charges would be charged alone."""
    readings: Mapping[str, MeterReading] = field(default_factory=dict)
    late_readings: Mapping[tuple[str, str], MeterReading] = field(default_factory=dict)
    sources: Mapping[str, tuple[EvidenceDigest, ...]] = field(default_factory=dict)
    """By charge, the tables that it rests on besides those of its meter."""
    has_invoice: bool = True


def as_sealed(month: Period, sealed: SealedMonth) -> PricedMonth:
    """A month of which nothing is computed any more."""
    return PricedMonth(Usage(month), sealed.charged, sealed.credit_base)


def price_month(
    contract: Contract,
    ledger: Ledger,
    month: Period,
    charged: Mapping[Period, Charged],
    metering: Metering = NO_METERING,
) -> PricedMonth:
    """Meter and price a month; `charged` is what the months before it charged.

    Where invoices are quarterly or yearly, the last month of a span prices all of it, and the
    others charge nothing. Credits stay monthly then: a month's base is what it alone would be
    charged, without what only follows from more months (yearly commitments and rebates).
    Raises BadInput for what can't be metered or priced.
    """
    span, terms = invoice_span(contract, month), as_metered(contract)
    if span is None:
        own = _alone(terms, ledger, month)
        base = own.credit_base if terms.service_credits else Decimal(0)
        return PricedMonth(Usage(month), {}, base, own.lines, has_invoice=False)
    counted, readings = metered_usage(terms, ledger, span, metering)
    late, late_readings = late_usage(terms, ledger, metering)
    usage = with_earlier(replace(counted, late=late), contract, charged)
    priced = price(terms, usage)
    return PricedMonth(
        usage=usage,
        charged=charged_by(priced.lines),
        credit_base=priced.credit_base if span == month else _own_base(terms, ledger, month),
        readings=readings,
        late_readings=late_readings,
        sources=sources_of(terms, ledger, span),
    )


def invoice_of(
    contract: Contract, month: PricedMonth, credit: Decimal, restated: Sequence[ChargeLine]
) -> PricedPeriod:
    """What the month's invoice states; nothing at all for a month without one."""
    if not month.has_invoice:
        nothing = price(_without_charges(contract), month.usage)
        return replace(nothing, credit_base=month.credit_base, delivered=month.delivered)
    usage = replace(month.usage, service_credit=credit)
    return replace(price(as_metered(contract), usage, restated), credit_base=month.credit_base)


def _own_base(terms: Contract, ledger: Ledger, month: Period) -> Decimal:
    if terms.service_credits is None:
        return Decimal(0)
    return _alone(terms, ledger, month).credit_base


def _alone(terms: Contract, ledger: Ledger, month: Period) -> PricedPeriod:
    """What a month would be charged, were it invoiced by itself."""
    alone = _of_one_month(terms)
    return price(alone, metered_usage(alone, ledger, month)[0])


def _of_one_month(terms: Contract) -> Contract:
    """The contract without what follows from several months."""
    commitment = terms.minimum_commitment
    monthly = commitment is not None and commitment.per == "month"
    charges = tuple(
        charge
        for charge in terms.charges
        if not isinstance(charge, EarlyTerminationCharge)
        and not (isinstance(charge, VolumeRebateCharge) and charge.per != "month")
    )
    update = {"charges": charges, "minimum_commitment": commitment if monthly else None}
    return terms.model_copy(update=update)


def _without_charges(contract: Contract) -> Contract:
    engagement = contract.engagement.model_copy(update={"transfer": None})
    update = {"charges": (), "minimum_commitment": None, "engagement": engagement}
    return contract.model_copy(update=update)
