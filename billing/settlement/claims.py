"""Claims and incidents as a settlement takes them in, and the invoices that credits come off.

Which credits came off an invoice is read from the invoice's own document, never from what would
come off today.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.settlement.history import comes_off
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.spans import invoice_month
from governance.contract.document import Contract
from governance.engagements.models import Engagement
from governance.engagements.versions import contract_of, governing_versions
from governance.values import Period
from sla.claims.queries import claims_in, incidents_in, stated_credits
from sla.claims.values import Incident, window_under
from sla.measurements.versions import Version, version_on
from sla.reviews.queries import sealed_periods
from sla.service_credits.values import Claims, ClaimState


def claims_of(
    session: Session, engagement: Engagement, versions: Iterable[Version], months: Iterable[Period]
) -> dict[Period, Claims]:
    """What is recorded of the claims to the credits of some months.

    Nothing where no version of the contract asks for claims. A credit of which nothing is
    recorded is open: whether it has lapsed is the record's to say, and no clock's.
    """
    if not any(window_under(one.contract, one_month) for one in versions for one_month in months):
        return {}
    rows = claims_in(session, engagement)
    return {
        month: rows[month].claims if month in rows else Claims(as_of=month.end) for month in months
    }


@dataclass(frozen=True, slots=True)
class Taken:
    """What a settlement takes in of claims and incidents."""

    claims: Mapping[Period, Claims]
    late: tuple[Period, ...]
    incidents: Mapping[Period, tuple[Incident, ...]]


def taken_in(
    session: Session,
    engagement: Engagement,
    period: Period,
    versions: Sequence[Version],
    months: Sequence[Period],
    *,
    restatement: int = 0,
) -> Taken:
    """What counts for a period as things stand now; for a restatement what its invoice took in.

    So a restatement differs by what was corrected, and never by a claim that was made since.
    """
    if restatement:
        kept = _kept_with(session, engagement, period)
        return Taken(claims_kept(kept), late_claims_kept(kept), incidents_kept(kept))
    return Taken(
        claims_of(session, engagement, versions, months),
        late_claims(session, engagement, period),
        incidents_in(session, engagement, months),
    )


def _kept_with(session: Session, engagement: Engagement, period: Period) -> Mapping[str, Any]:
    text = session.scalars(
        select(col(SettlementRecord.inputs_json)).where(
            col(SettlementRecord.engagement_id) == engagement.id,
            col(SettlementRecord.superseded_at).is_(None),
            col(SettlementRecord.period_start) == period.start,
            col(SettlementRecord.period_end) == period.end,
        )
    ).one_or_none()
    return json.loads(text) if text else {}


def late_claims(session: Session, engagement: Engagement, period: Period) -> tuple[Period, ...]:
    """The credits that were claimed after their invoice was sealed, and come off this one.

    It is the first invoice that isn't sealed; each credit comes off one invoice, exactly once. The
    caller holds the engagement's lock.
    """
    claimed = [
        month
        for month, row in claims_in(session, engagement).items()
        if row.state is ClaimState.CLAIMED and month < period
    ]
    if not claimed or not _has_invoice(session, engagement, period):
        return ()
    sealed = {one.period for one in sealed_periods(session, engagement) if not one.restatement}
    stated = stated_credits(session, engagement)
    done = {month: by for month, by in came_off(session, engagement).items() if by != period}
    return tuple(
        month
        for month in claimed
        if month not in done
        and month in stated
        and stated[month][0].credit_minor
        and (usual := _usual_invoice(session, engagement, month)) < period
        and all(one in sealed for one in _from(usual, period))
    )


def _has_invoice(session: Session, engagement: Engagement, month: Period) -> bool:
    """Quarterly and yearly invoices come with the last month of their span."""
    return invoice_month(_contract_on(session, engagement, month), month) == month


def _usual_invoice(session: Session, engagement: Engagement, month: Period) -> Period:
    return comes_off(_contract_on(session, engagement, month), month)


def _contract_on(session: Session, engagement: Engagement, month: Period) -> Contract:
    versions = [
        Version(row.number, row.sha256, row.effective_from, contract_of(row))
        for row in governing_versions(session, engagement)
    ]
    found = version_on(versions, month.end)
    return (found or versions[0]).contract


def _from(first: Period, last: Period) -> Iterable[Period]:
    """The invoice periods from the first until before the last."""
    one = first
    while one.end < last.start:
        yield one
        one = one.following()


def came_off(session: Session, engagement: Engagement) -> dict[Period, Period]:
    """By the period of a credit the period whose current invoice it comes off, drafts included.

    Where there was nothing to come off, there is none.
    """
    rows = session.execute(
        select(SettlementRecord, col(SettlementDocument.data))
        .join(SettlementDocument, col(SettlementDocument.settlement_id) == col(SettlementRecord.id))
        .where(
            col(SettlementRecord.engagement_id) == engagement.id,
            col(SettlementRecord.superseded_at).is_(None),
            col(SettlementDocument.kind) == DocumentKind.INVOICE,
        )
        .order_by(col(SettlementRecord.period_start))
    )
    return {
        Period.parse(one["period"]): Period(row.period_start, row.period_end)
        for row, data in rows
        for one in json.loads(data)["service_credits"]
        if one.get("claim", ClaimState.CLAIMED.value) == ClaimState.CLAIMED.value
        and (Decimal(one["credit"]) or Decimal(one["net"]))
    }


def overtaken_by_client(session: Session, engagement: Engagement, row: SettlementRecord) -> str:
    """Why a settlement has to be made again after what the client did since; empty where not.

    Incidents change the figures. A claim doesn't, as it comes off a later invoice, unless this is
    the engagement's last one.
    """
    period = Period(row.period_start, row.period_end)
    kept = json.loads(row.inputs_json) if row.inputs_json else {}
    marked = incidents_in(session, engagement, [period]).get(period, ())
    if marked != incidents_kept(kept).get(period, ()):
        return (
            f"the client has changed which misses of {period.label} are of one incident; settle"
            " the period again"
        )
    ends = _contract_on(session, engagement, period).engagement.ends
    if ends is None or ends > period.end:
        return ""
    claimed = {month for month, one in claims_in(session, engagement).items() if one.claimed_on}
    known = {month for month, one in claims_kept(kept).items() if one.claimed_on}
    if claimed <= known:
        return ""
    ends = _contract_on(session, engagement, period).engagement.ends
    if ends is None or ends > period.end:
        return ""
    return "the client has claimed a credit that this last invoice has to settle; settle it again"


def corrects_credit(
    session: Session, engagement: Engagement, credit_of: Period, period: Period
) -> bool:
    """Whether a later invoice corrects a month's credit: once it came off an earlier one.

    One that waits for its claim comes off as restated, and one that has lapsed never does.
    """
    if window_under(_contract_on(session, engagement, credit_of), credit_of) is None:
        return True
    by = came_off(session, engagement).get(credit_of)
    return by is not None and by < period


def claims_json(
    claims: Mapping[Period, Claims],
    late: Iterable[Period],
    incidents: Mapping[Period, tuple[Incident, ...]],
) -> dict[str, Any]:
    """What is kept of them with a settlement; each key only where there is something."""
    stated = {
        "claims": {month.label: _claim_json(one) for month, one in claims.items()},
        "late_claims": [month.label for month in late],
        "incidents": {
            month.label: [_incident_json(one) for one in found]
            for month, found in incidents.items()
        },
    }
    return {key: value for key, value in stated.items() if value}


def _claim_json(one: Claims) -> dict[str, str | None]:
    claimed_on = None if one.claimed_on is None else one.claimed_on.isoformat()
    return {"as_of": one.as_of.isoformat(), "claimed_on": claimed_on}


def _incident_json(one: Incident) -> dict[str, Any]:
    return {
        "name": one.name,
        "service_levels": list(one.service_levels),
        "counts": one.counts,
    }


def claims_kept(kept: Mapping[str, Any]) -> dict[Period, Claims]:
    """What `claims_json` kept of the claims."""
    return {
        Period.parse(label): Claims(
            date.fromisoformat(one["as_of"]),
            date.fromisoformat(one["claimed_on"]) if one["claimed_on"] else None,
        )
        for label, one in kept.get("claims", {}).items()
    }


def late_claims_kept(kept: Mapping[str, Any]) -> tuple[Period, ...]:
    """What it kept of the claims that came late."""
    return tuple(Period.parse(label) for label in kept.get("late_claims", ()))


def incidents_kept(kept: Mapping[str, Any]) -> dict[Period, tuple[Incident, ...]]:
    """What it kept of the incidents."""
    return {
        Period.parse(label): tuple(
            Incident(one["name"], tuple(one["service_levels"]), one["counts"]) for one in found
        )
        for label, found in kept.get("incidents", {}).items()
    }
