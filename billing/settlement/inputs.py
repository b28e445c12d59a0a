"""What a settlement follows from besides contract and evidence, gathered once and kept.

What is kept with a settlement names all of it, so that issuing its invoice computes the same
again, whatever was approved, decided or sealed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.metering.values import metering_json, metering_stated
from billing.restatements.carrying import carried_by, restated_of, to_carry
from billing.restatements.models import RestatementDocument, RestatementRecord
from billing.settlement.claims import (
    claims_json,
    claims_kept,
    incidents_kept,
    late_claims_kept,
    taken_in,
)
from billing.settlement.history import months_until
from billing.settlement.models import DocumentKind, SettlementDocument, SettlementRecord
from billing.settlement.spans import invoice_span
from billing.settlement.values import Inputs, SealedMonth
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of, governing_versions
from governance.errors import NotFound
from governance.tables import canonical_json
from governance.values import Period
from sla.measurements.models import MeasuredPeriodRecord
from sla.measurements.queries import measured_period_of
from sla.measurements.versions import Version
from sla.relief.queries import granted_events
from sla.relief.serialise import event_json, event_of
from sla.reviews.decisions import decisions_of
from sla.reviews.queries import Seal, sealed_periods
from sla.reviews.values import DecidedValue, decided_of
from sla.service_credits.service import service_credits_of


def inputs_of(
    session: Session, engagement: Engagement, period: Period, *, restatement: int = 0
) -> Inputs:
    """What counts for a period as things stand now; the caller has checked the permission.

    `restatement` is 0 for the period itself, else the number of its restatement: that follows
    from the period's decisions and its own, and carries what the period's invoice carried.
    """
    versions = _versions(governing_versions(session, engagement))
    contract = _governing(versions, period)
    months = () if contract is None else months_until(contract, period)
    seals = _latest(sealed_periods(session, engagement), months, period)
    without_invoice = contract is not None and invoice_span(contract, period) is None
    taken = taken_in(session, engagement, period, versions, months, restatement=restatement)
    return Inputs(
        relief=granted_events(session, engagement),
        decisions=_decisions(session, engagement, months, seals, restatement),
        sealed={month: sealed_month(session, seal) for month, seal in seals.items()},
        restated=(
            ()
            if without_invoice
            else carried_by(session, engagement, period)
            if restatement
            else to_carry(session, engagement, period)
        ),
        versions=versions,
        claims=taken.claims,
        late_claims=taken.late,
        incidents=taken.incidents,
    )


def _governing(versions: Iterable[Version], period: Period) -> Contract | None:
    known = [one for one in versions if one.effective_from <= period.end]
    newest = max(known, key=lambda one: (one.effective_from, one.number or 0), default=None)
    return None if newest is None else newest.contract


def _versions(rows: Iterable[ContractVersion]) -> tuple[Version, ...]:
    return tuple(
        Version(row.number, row.sha256, row.effective_from, contract_of(row)) for row in rows
    )


def _latest(seals: Iterable[Seal], months: Iterable[Period], period: Period) -> dict[Period, Seal]:
    """The last seal of each month before the period; they come in the order of restatements."""
    wanted = {month for month in months if month != period}
    return {seal.period: seal for seal in seals if seal.period in wanted}


def _decisions(
    session: Session,
    engagement: Engagement,
    months: Iterable[Period],
    seals: Mapping[Period, Seal],
    restatement: int,
) -> dict[Period, Mapping[str, DecidedValue]]:
    found: dict[Period, Mapping[str, DecidedValue]] = {}
    months = list(months)
    for month in months:
        if month not in seals:
            last = restatement if month == months[-1] else 0
            decided: dict[str, DecidedValue] = {}
            for number in range(last + 1):
                # What was decided stands in a restatement, unless it is decided anew there.
                decided |= decisions_of(session, engagement, month, restatement=number)
            if decided:
                found[month] = decided
    return found


def sealed_month(session: Session, seal: Seal) -> SealedMonth:
    """The figures of a seal, as they were stored when they were computed."""
    record = session.get_one(MeasuredPeriodRecord, seal.measured_period_id)
    return _sealed_month(session, record)


def _sealed_month(session: Session, record: MeasuredPeriodRecord) -> SealedMonth:
    invoice = stored_invoice(session, record)
    own = [line for line in invoice["lines"] if "restatement" not in line]
    return SealedMonth(
        measured=measured_period_of(session, record),
        credits=service_credits_of(session, record),
        credit_base=Decimal(invoice["credit_base"]),
        charged=_charged(own),
    )


def _charged(lines: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What stored lines charge for the period's work, by charge (see `earlier.charged_by`)."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if not line.get("outside_base"):
            name = str(line["charge"])
            found[name] = found.get(name, Decimal(0)) + Decimal(line["amount"])
    return found


def stored_invoice(session: Session, record: MeasuredPeriodRecord) -> dict[str, Any]:
    """The invoice document of a measured period, of the settlement or the restatement."""
    if record.restatement:
        query = (
            select(col(RestatementDocument.data))
            .join(
                RestatementRecord,
                col(RestatementRecord.id) == col(RestatementDocument.restatement_id),
            )
            .where(
                col(RestatementRecord.measured_period_id) == record.id,
                col(RestatementDocument.kind) == DocumentKind.INVOICE,
            )
        )
    else:
        query = (
            select(col(SettlementDocument.data))
            .join(
                SettlementRecord, col(SettlementRecord.id) == col(SettlementDocument.settlement_id)
            )
            .where(
                col(SettlementRecord.measured_period_id) == record.id,
                col(SettlementDocument.kind) == DocumentKind.INVOICE,
            )
        )
    data = session.scalars(query).one_or_none()
    if data is None:
        raise NotFound("the invoice document of these figures isn't kept")
    return dict(json.loads(data))


def inputs_json(inputs: Inputs, records: Mapping[Period, int]) -> dict[str, Any]:
    """What is kept with a settlement; `records` are the measured periods of the sealed months."""
    return {
        "versions": [{"number": one.number, "sha256": one.sha256} for one in inputs.versions],
        "relief": [event_json(one) for one in inputs.relief],
        "decisions": {
            month.label: {name: _decided_json(one) for name, one in decided.items()}
            for month, decided in inputs.decisions.items()
        },
        "sealed": {month.label: record for month, record in sorted(records.items())},
        "restated": [one.reference for one in inputs.restated],
        "metering": metering_json(inputs.metering),
    } | claims_json(inputs.claims, inputs.late_claims, inputs.incidents)


def inputs_text(session: Session, engagement: Engagement, inputs: Inputs) -> str:
    """The same as text to store, with the measured period that each sealed month was read from."""
    seals = sealed_periods(session, engagement)
    records = {
        seal.period: seal.measured_period_id for seal in seals if seal.period in inputs.sealed
    }
    return canonical_json(inputs_json(inputs, records)).decode()


def inputs_kept(session: Session, engagement: Engagement, row: SettlementRecord) -> Inputs:
    """What a stored settlement followed from, exactly; the caller has checked the permission."""
    if row.inputs_json is None:
        return Inputs()
    period = Period(row.period_start, row.period_end)
    return inputs_stated(session, engagement, period, row.inputs_json)


def inputs_stated(session: Session, engagement: Engagement, period: Period, text: str) -> Inputs:
    """What `inputs_json` was made from."""
    kept = json.loads(text)
    numbers = {one["number"] for one in kept["versions"]}
    versions = [one for one in governing_versions(session, engagement) if one.number in numbers]
    sealed = {
        Period.parse(label): _sealed_month(session, session.get_one(MeasuredPeriodRecord, record))
        for label, record in kept["sealed"].items()
    }
    return Inputs(
        relief=tuple(event_of(one) for one in kept["relief"]),
        decisions={
            Period.parse(label): {name: decided_of(one) for name, one in decided.items()}
            for label, decided in kept["decisions"].items()
        },
        sealed=sealed,
        restated=restated_of(session, engagement, kept["restated"], period),
        versions=_versions(versions),
        claims=claims_kept(kept),
        late_claims=late_claims_kept(kept),
        incidents=incidents_kept(kept),
        metering=metering_stated(kept.get("metering")),
    )


def _decided_json(one: DecidedValue) -> dict[str, Any]:
    return {
        "service_level": one.service_level,
        "value": None if one.value is None else format(one.value, "f"),
        "reason": one.reason,
        "proposed_side": one.proposed_side.value,
        "proposed_by": one.proposed_by_id,
        "accepted_by": one.accepted_by_id,
        "accepted_at": one.accepted_at.isoformat(),
    }
