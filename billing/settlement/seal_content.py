"""What a seal keeps of a settled period, so that anyone can compute it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from billing.metering.catalogue import load_meters
from governance.calendars import calendars_of
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.versions import contract_of, versions_of
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.kpis.definitions import KpiDefinition
from sla.kpis.texts import definition_of

KPI, METER = "kpi", "meter"


def seal_content(
    session: Session,
    version: ContractVersion,
    stated: Mapping[str, Any],
    tables: Iterable[EvidenceTable],
    catalogue: Mapping[str, KpiDefinition],
) -> dict[str, Any]:
    """Figures, evidence digests, texts of all definitions, and calendars with their holidays.

    `stated` are the documents `measurements`, `credits`, `invoice` and what else the calculation
    took in as `inputs` (None for nothing). Raises NotFound where a definition's text isn't kept.
    """
    contract = contract_of(version)
    return {
        **stated,
        "evidence": [
            {"dataset": one.dataset, "sha256": one.sha256, "rows": one.rows}
            for one in sorted(tables, key=lambda one: (one.dataset, one.sha256))
        ],
        "definitions": [
            *_kpis(session, stated["measurements"]["results"], catalogue),
            *_meters(stated["invoice"]),
        ],
        "calendars": calendars_of(contract.engagement).frozen(_span(stated["measurements"])),
        "versions": list(_versions(session, version, stated["inputs"])),
    }


def _versions(
    session: Session, version: ContractVersion, inputs: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """All versions of the contract that the figures looked at, each as its document."""
    numbers = {one["number"] for one in inputs["versions"]} if inputs else {version.number}
    engagement = session.get_one(Engagement, version.engagement_id)
    for one in reversed(versions_of(session, engagement)):
        if one.number in numbers:
            yield {
                "version": one.number,
                "sha256": one.sha256,
                "effective_from": one.effective_from.isoformat(),
                "document": one.document.decode(),
            }


def _span(measurements: Mapping[str, Any]) -> Period:
    """All days that a figure looks at, and the year before for clocks that began in it."""
    period = _period(measurements["period"])
    starts = [_period(one["window"]).start for one in measurements["results"]]
    first = min([period.start, *starts])
    return Period(first.replace(year=first.year - 1, day=1), period.end.replace(month=12, day=31))


def _period(stated: Mapping[str, str]) -> Period:
    return Period(date.fromisoformat(stated["start"]), date.fromisoformat(stated["end"]))


def _kpis(
    session: Session, results: Iterable[Mapping[str, Any]], catalogue: Mapping[str, KpiDefinition]
) -> Iterator[dict[str, str]]:
    shipped = {one.sha256: one for one in catalogue.values()}
    for sha256 in sorted({one["definition_sha256"] for one in results}):
        found = shipped.get(sha256) or definition_of(session, sha256)
        yield {"kind": KPI, "name": found.name, "sha256": sha256, "text": found.text}


def _meters(invoice: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    meters = {one.sha256: one for one in load_meters().values()}
    listed = [*invoice.get("meters", ()), *(line["reading"] for line in invoice["lines"])]
    read = {reading["definition_sha256"] for reading in listed if reading}
    for sha256 in sorted(read & meters.keys()):
        found = meters[sha256]
        yield {"kind": METER, "name": found.name, "sha256": sha256, "text": found.text}
