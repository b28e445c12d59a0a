"""What sealed figures say of the meters that they billed: read from the sealed document alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billing.metering.definitions import MeterDefinition, parse_meter
from billing.metering.names import base_of, meter_named
from billing.metering.values import NO_SHARE, Metering, MeterShare, period_stated, share_stated
from governance.values import Period
from sla.evidence.values import EvidenceDigest


@dataclass(frozen=True, slots=True)
class SealedMeter:
    """One meter as a sealed period billed it."""

    window: Period
    """The days that were counted."""
    evidence: Mapping[str, EvidenceDigest]
    """By dataset."""
    definition: MeterDefinition
    """As it was when the period was settled."""
    share: MeterShare


@dataclass(frozen=True, slots=True)
class SealedPeriod:
    """The meters of a period, by name, as both sides sealed them last."""

    period: Period
    meters: Mapping[str, SealedMeter]


def sealed_period(period: Period, content: Mapping[str, Any]) -> SealedPeriod:
    """The meters that a sealed document names."""
    metering = (content.get("inputs") or {}).get("metering") or {"meters": {}}
    shares = {name: share_stated(one) for name, one in metering["meters"].items()}
    texts = {one["sha256"]: one["text"] for one in content["definitions"] if one["kind"] == "meter"}
    return SealedPeriod(
        period,
        {
            reading["meter"]: _sealed(reading, texts, shares.get(reading["meter"], NO_SHARE))
            for reading in _readings(content["invoice"])
        },
    )


def _readings(invoice: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of the period's own quantities; invoices from before they listed them have those of lines."""
    listed = invoice.get("meters")
    found = listed if listed is not None else [line["reading"] for line in invoice["lines"]]
    return (one for one in found if one and one["window"] and not one.get("late"))


def _sealed(reading: Mapping[str, Any], texts: Mapping[str, str], share: MeterShare) -> SealedMeter:
    name = reading["meter"]
    text = texts.get(reading["definition_sha256"])
    return SealedMeter(
        window=period_stated(reading["window"]),
        evidence={
            one["dataset"]: EvidenceDigest(one["dataset"], one["sha256"])
            for one in reading["evidence"]
        },
        definition=parse_meter(base_of(name), text) if text else meter_named(name)[0],
        share=share,
    )


def carried(period: Period, sealed: Iterable[Period]) -> list[Period]:
    """The sealed periods before this one, back to the first day that no seal covers.

    Late rows of a period before that day stand on the invoice of the period that has that day: the
    next one that isn't sealed bills them, and so only one does.
    """
    found: list[Period] = []
    first = period.start
    for one in sorted(sealed, key=lambda each: each.end, reverse=True):
        if one.end < period.start:
            if one.end < first - timedelta(days=1):
                break
            found.append(one)
            first = min(first, one.start)
    return found


def may_bill_again(
    period: Period, metering: Metering, evidence: Mapping[str, str], sealed: SealedPeriod
) -> bool:
    """Whether a period's figures may bill rows that another bills, too, which was sealed since.

    They may where that was sealed with other evidence of a meter (`evidence` is theirs, digests by
    dataset), since a row may have moved; and where one of them bills late rows of the other.
    """
    late = {one.period for share in metering.shares.values() for one in share.late}
    theirs = {one.period for meter in sealed.meters.values() for one in meter.share.late}
    return (
        sealed.period in late
        or period in theirs
        or any(
            evidence.get(dataset) != one.sha256
            for meter in sealed.meters.values()
            for dataset, one in meter.evidence.items()
        )
    )
