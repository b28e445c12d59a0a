"""Relief as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from governance.values import Period
from sla.kpis.serialise import period_json
from sla.relief.values import Claim, Relief, ReliefEvent, ReliefKind, Span, disjoint


def claim_json(claim: Claim) -> dict[str, Any]:
    """Rows by dataset, spans of time, and whether all is excused; stable keys and order."""
    return {
        "rows": {name: sorted(keys) for name, keys in sorted(claim.relief.rows.items()) if keys},
        "spans": [span.as_json() for span in disjoint(claim.relief.spans)],
        "excused": claim.excused,
    }


def claim_of(stored: Mapping[str, Any]) -> Claim:
    """What `claim_json` was made from."""
    rows = {name: frozenset(keys) for name, keys in stored["rows"].items()}
    spans = tuple(
        Span(datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"]))
        for one in stored["spans"]
    )
    return Claim(Relief(rows, spans), stored["excused"])


def event_json(event: ReliefEvent) -> dict[str, Any]:
    """One approved event: what a settlement says of it."""
    return {
        "reference": event.reference,
        "kind": event.kind.value,
        "title": event.title,
        "reason": event.reason,
        "clause": event.clause,
        "period": period_json(event.period),
        "service_levels": sorted(event.service_levels),
        **claim_json(Claim(event.relief, event.excused)),
    }


def event_of(stored: Mapping[str, Any]) -> ReliefEvent:
    """What `event_json` was made from."""
    claim, days = claim_of(stored), stored["period"]
    return ReliefEvent(
        reference=stored["reference"],
        kind=ReliefKind(stored["kind"]),
        title=stored["title"],
        reason=stored["reason"],
        clause=stored["clause"],
        period=Period(date.fromisoformat(days["start"]), date.fromisoformat(days["end"])),
        service_levels=frozenset(stored["service_levels"]),
        relief=claim.relief,
        excused=claim.excused,
    )
