"""Compute sealed figures again, from the evidence and the texts that the seal keeps.

Nothing here needs a database: whoever holds the sealed document and the evidence can do it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from governance.calendars import Calendars, calendars_of
from governance.contract.reading import read_contract
from governance.errors import BadInput, PlumblineError, Problem
from governance.tables import canonical_json, digest
from governance.values import Period
from sla.evidence.ledger import open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition, parse_definition
from sla.measurements.calculation import measure
from sla.measurements.circumstances import Circumstances
from sla.measurements.details import promise_of
from sla.measurements.serialise import measured_period_json
from sla.measurements.versions import Version
from sla.relief.serialise import event_of
from sla.reviews.values import decided_of

FindEvidence = Callable[[str], Path]
"""Answers with the file of a digest; raises a typed error where there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that isn't what the seal says."""

    what: str
    """In a short sentence without a full stop."""
    where: str
    """File, definition, contract version or service level."""
    expected: str = ""
    found: str = ""

    def as_json(self) -> dict[str, str]:
        """Stable keys for `--json`."""
        return {
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of computing sealed figures again."""

    label: str
    """Engagement and period, as people cite them."""
    values: Mapping[str, str | None]
    """By service level, the value that was found again; None is no data."""
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    """What changed outside since, without changing a figure."""

    @property
    def equal(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.differences


def verify_seal(
    document: bytes, sha256: str | None, find: FindEvidence, only: str | None = None
) -> Verification:
    """Hold a sealed document against its digest, its texts, its evidence and its figures.

    `sha256` is the digest as it is known from elsewhere, None where it isn't; `only` is the one
    service level to look at. Figures are computed again where every input is what it was.

    Raises BadInput where the document is no sealed one, or has no such service level.
    """
    content = read_seal(document)
    label = f"{content['engagement']['reference']}/{_period(content['period']).label}"
    known = [one["service_level"] for one in content["measurements"]["results"]]
    if only is not None and only not in known:
        raise _not_sealed(f"{label} has no service level {only}", ", ".join(known))
    differences = [
        *_of_document(document, sha256, content),
        *_of_texts(content),
        *_of_items(content),
        *_of_evidence(content["evidence"], find),
    ]
    if differences:
        return Verification(label, {}, tuple(differences))
    try:
        found = _computed(content, find)
    except BadInput as error:
        cause = [
            Difference("the figures can't be computed again", str(one)) for one in error.problems
        ]
        return Verification(label, {}, tuple(cause))
    chosen = [only] if only else known
    return Verification(
        label,
        {name: found[name]["value"] for name in chosen if name in found},
        tuple(_of_values(content["measurements"]["results"], found, chosen)),
        tuple(_of_calendars(content)),
    )


def read_seal(document: bytes) -> dict[str, Any]:
    """A sealed document as its fields; BadInput where the bytes are something else."""
    try:
        content = json.loads(document)
        content["plumbline_seal"], content["measurements"]["results"], content["evidence"]
    except (ValueError, TypeError, KeyError):
        raise _not_sealed("this is no sealed document", "seal.json as it was downloaded") from None
    return dict(content)


def _not_sealed(what: str, allowed: str) -> BadInput:
    return BadInput.one(Problem(what, allowed=allowed))


def _of_document(
    document: bytes, sha256: str | None, content: Mapping[str, Any]
) -> Iterator[Difference]:
    found = digest(document)
    if sha256 is not None and found != sha256:
        yield Difference("the sealed document isn't the one of this digest", "seal", sha256, found)
    elif canonical_json(content) != document:
        yield Difference("the sealed document was written anew", "seal", "", found)


def _of_texts(content: Mapping[str, Any]) -> Iterator[Difference]:
    for version in _versions_stated(content):
        where = f"contract version {version['version']}"
        yield from _of_text("contract document differs", where, version["document"], version)
    for one in content["definitions"]:
        where = f"definition {one['name']}"
        yield from _of_text("definition text doesn't match its digest", where, one["text"], one)
    texts = {one["sha256"] for one in content["definitions"]} | _shipped().keys()
    for result in content["measurements"]["results"]:
        if result["definition_sha256"] not in texts:
            where = f"definition {result['kpi']}"
            yield Difference("definition text is missing", where, result["definition_sha256"])


def _of_text(what: str, where: str, text: str, stated: Mapping[str, Any]) -> Iterator[Difference]:
    found = digest(text.encode())
    if found != stated["sha256"]:
        yield Difference(what, where, stated["sha256"], found)


def _of_items(content: Mapping[str, Any]) -> Iterator[Difference]:
    """What was agreed to is what is stated: the digest of each item covers it."""
    agreed = {one["key"]: one for one in content["items"] if one["kind"] == "service_level"}
    for result in content["measurements"]["results"]:
        name = result["service_level"]
        found = digest(canonical_json(result))
        if name not in agreed or agreed[name]["inputs_sha256"] != found:
            expected = agreed[name]["inputs_sha256"] if name in agreed else ""
            yield Difference("the figure isn't the one that was agreed to", name, expected, found)


def _of_evidence(stated: Iterable[Mapping[str, Any]], find: FindEvidence) -> Iterator[Difference]:
    for one in stated:
        where, sha256 = f"{one['dataset']}, {one['sha256']}.parquet", one["sha256"]
        try:
            path = find(sha256)
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except (PlumblineError, OSError) as error:
            yield Difference("evidence file missing", where, sha256, str(error))
            continue
        if found != sha256:
            yield Difference("evidence file's bytes don't match its digest", where, sha256, found)


def _computed(content: Mapping[str, Any], find: FindEvidence) -> dict[str, dict[str, Any]]:
    """The results by service level, measured again under all that was sealed."""
    contract = read_contract(content["contract"]["document"].encode(), "contract")
    period = _period(content["period"])
    files = [
        EvidenceFile(one["dataset"], one["sha256"], find(one["sha256"]), one.get("rows", 0), "", "")
        for one in content["evidence"]
    ]
    frozen = content["calendars"]
    calendars = Calendars.from_json(frozen) if frozen else calendars_of(contract.engagement)
    with open_ledger(files, contract.engagement.currency, calendars=calendars) as ledger:
        measured = measure(contract, ledger, period, _catalogue(content), _circumstances(content))
    return {one["service_level"]: one for one in measured_period_json(measured)["results"]}


def _catalogue(content: Mapping[str, Any]) -> dict[str, KpiDefinition]:
    kept = {
        one["name"]: parse_definition(one["name"], one["text"], {})
        for one in content["definitions"]
        if one["kind"] == "kpi"
    }
    cited = {one["definition_sha256"] for one in content["measurements"]["results"]}
    shipped = {one.name: one for sha256, one in _shipped().items() if sha256 in cited}
    return shipped | kept


def _shipped() -> dict[str, KpiDefinition]:
    """By digest: seals from before texts were kept are computed by the same text, or not at all."""
    return {one.sha256: one for one in load_catalogue().values()}


def _circumstances(content: Mapping[str, Any]) -> Circumstances:
    inputs = content.get("inputs") or {"relief": []}
    return Circumstances(
        versions=tuple(_version(one) for one in content.get("versions", ())),
        relief=tuple(event_of(one) for one in inputs["relief"]),
        decisions={one["service_level"]: decided_of(one) for one in content["decisions"]},
        reached={
            one["service_level"]: dict(promise_of(one["promise"]).values)
            for one in content["measurements"]["results"]
            if "promise" in one
        },
    )


def _versions_stated(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    own = content["contract"]
    others = [one for one in content.get("versions", ()) if one["version"] != own["version"]]
    return [own, *others]


def _version(stated: Mapping[str, Any]) -> Version:
    return Version(
        stated["version"],
        stated["sha256"],
        date.fromisoformat(stated["effective_from"]),
        read_contract(stated["document"].encode(), f"contract version {stated['version']}"),
    )


def _of_values(
    sealed: Iterable[Mapping[str, Any]],
    found: Mapping[str, Mapping[str, Any]],
    chosen: Iterable[str],
) -> Iterator[Difference]:
    wanted = set(chosen)
    for result in sealed:
        name = result["service_level"]
        if name not in wanted:
            continue
        now = found.get(name, {})
        for field in sorted(result):
            if result.get(field) != now.get(field):
                what = f"{field.replace('_', ' ')} differs"
                yield Difference(what, name, _text(result.get(field)), _text(now.get(field)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _of_calendars(content: Mapping[str, Any]) -> Iterator[str]:
    """What today's calendars would say otherwise of the same days."""
    frozen = content["calendars"]
    if not frozen:
        return
    contract = read_contract(content["contract"]["document"].encode(), "contract")
    today = calendars_of(contract.engagement)
    for name, calendar in frozen["calendars"].items():
        for year, days in sorted(calendar.get("holidays", {}).items()):
            known = today.by_name[name].holidays(int(year)) if name in today.by_name else set()
            now = {day.isoformat() for day in known}
            for day in sorted(set(days) ^ now):
                change = "is a holiday no more" if day in days else "is a holiday now"
                yield (
                    f"calendar {name}: {day} {change}, by the list of holidays of today;"
                    " the sealed calendar was used"
                )


def _period(stated: Mapping[str, str]) -> Period:
    return Period(date.fromisoformat(stated["start"]), date.fromisoformat(stated["end"]))
