"""Which metered rows a period bills, given what both sides sealed for all other periods.

It is decided once, when the period is settled or restated, and kept in full with its inputs. A seal
that was made since may have billed some of the same rows: then the period is settled anew before
it is sealed itself, so that no row stands on two sealed invoices.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from billing.charges.span import span_of
from billing.metering.sealed import SealedPeriod, carried, may_bill_again, sealed_period
from billing.metering.shares import Evidence, Settling, shares_of
from billing.metering.values import (
    NO_METERING,
    Metering,
    MeterShare,
    Unpriced,
    metering_stated,
)
from billing.settlement.late import meters_of
from billing.settlement.metered import as_metered, metered_windows
from billing.settlement.spans import invoice_span
from governance.calendars import calendars_of
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.evidence.store import EvidenceStore
from sla.evidence.values import EvidenceDigest
from sla.reviews.queries import Seal, sealed_periods


def metering_of(  # noqa: PLR0917 (what `compute` takes, and the seals of the engagement)
    session: Session,
    engagement: Engagement,
    version: ContractVersion,
    tables: Iterable[EvidenceTable],
    period: Period,
    store: EvidenceStore,
    *,
    restates: bool = False,
) -> Metering:
    """What the period bills of each meter as things stand now, from exactly these tables.

    `restates` is whether a sealed period is computed anew: it then bills no more late rows than
    its invoice did. The caller holds the engagement's lock.
    """
    contract = contract_of(version)
    seals = _last(sealed_periods(session, engagement))
    own = seals.pop(period, None)
    if not seals:
        return NO_METERING
    try:
        windows = metered_windows(contract, period)
    except BadInput:
        # Settling it says what is wrong, with everything else that is.
        return NO_METERING
    others = tuple(_sealed(seal) for seal in seals.values())
    before = carried(period, seals)
    idle = {} if restates else _idle(contract, period, windows, others, before)
    settling = Settling(
        period=period,
        windows=windows | idle,
        evidence={one.dataset: EvidenceDigest(one.dataset, one.sha256) for one in tables},
        others=others,
        carries={
            name: [one for one in before if name in idle or _priced_in(contract, name, one)]
            for name in windows | idle
        },
        before=_sealed(own) if own and restates else None,
    )
    evidence = Evidence(store.local, calendars_of(contract.engagement))
    made = sorted(seal.measured_period_id for seal in seals.values())
    shares = shares_of(settling, evidence)
    priced = {name: share for name, share in shares.items() if name in windows}
    return Metering(priced, tuple(made), tuple(_unpriced(shares, idle)))


def _idle(
    contract: Contract,
    period: Period,
    windows: Mapping[str, Period],
    sealed: Iterable[SealedPeriod],
    before: Collection[Period],
) -> dict[str, Period]:
    """The meters of earlier invoices that this one prices no more, with the days that it covers.

    None where the period makes no invoice: the next one may price them still.
    """
    span = invoice_span(contract, period)
    if span is None:
        return {}
    counted = {name for one in sealed if one.period in before for name in one.meters}
    return dict.fromkeys(sorted(counted - windows.keys()), span)


def _unpriced(shares: Mapping[str, MeterShare], idle: Iterable[str]) -> Iterator[Unpriced]:
    for name in idle:
        for late in shares[name].late if name in shares else ():
            yield Unpriced(name, late.label, sum(row.number for row in late.rows))


def _priced_in(contract: Contract, meter: str, period: Period) -> bool:
    """Whether a charge ran then that prices the meter: no other one prices late rows of then."""
    charges = (one for one in as_metered(contract).charges if meter in meters_of(one))
    return any(span_of(one, contract.engagement, period) for one in charges)


def _last(seals: Iterable[Seal]) -> dict[Period, Seal]:
    """The last seal of each period; they come in the order of restatements."""
    return {seal.period: seal for seal in seals}


def _sealed(seal: Seal) -> SealedPeriod:
    return sealed_period(seal.period, json.loads(seal.document))


def billed_since(
    session: Session,
    engagement: Engagement,
    period: Period,
    inputs: Mapping[str, Any] | None,
    tables: Sequence[EvidenceTable],
) -> str:
    """Why figures can't be sealed: another period's seal may bill the same rows; else empty.

    `inputs` are those kept with the figures, `tables` their evidence.
    """
    kept = metering_stated((inputs or {}).get("metering"))
    evidence = {one.dataset: one.sha256 for one in tables}
    for seal in _last(sealed_periods(session, engagement)).values():
        is_new = seal.period != period and seal.measured_period_id not in kept.seals
        if is_new and may_bill_again(period, kept, evidence, _sealed(seal)):
            return (
                f"{seal.period.label} was sealed since, and may bill some of the same rows;"
                f" compute {period.label} again, so that no row is billed twice"
            )
    return ""
