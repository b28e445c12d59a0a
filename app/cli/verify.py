"""`plumbline verify`: compute sealed figures again and say equal, or which input differs."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import reading
from app.evidence_store import store_of
from app.sealed_files import SealedFiles, files_in, unpacked
from billing.settlement.verifying_charges import left_out, verify_charges
from billing.settlement.verifying_meters import verify_meters
from governance.engagements.models import ContractVersion, Engagement
from governance.errors import BadInput, Problem
from governance.tables import digest
from governance.values import Period
from sla.evidence.store import EvidenceStore
from sla.reviews.queries import seal_of_period
from sla.reviews.verifying import Difference, FindEvidence, Verification, verify_seal

_ADDRESS = re.compile(
    r"(?P<reference>[^/]+)/(?P<period>\d{4}(-(\d{2}|Q\d))?)(/(?P<restatement>\d+))?"
    r"(/(?P<level>[^/]+))?"
)
_LONGEST_ADDRESS = 500


@click.command()
@click.argument("measurement")
@click.option(
    "--evidence",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the Parquet files, each named by its SHA-256, for a sealed document.",
)
@click.option("--sha256", help="Digest of the sealed document, as you know it from elsewhere.")
@json_option
@reports_problems
def verify(measurement: str, evidence: Path | None, sha256: str | None, *, as_json: bool) -> None:
    """Compute the figures of a sealed MEASUREMENT again, and the charges of its invoice.

    MEASUREMENT is ENGAGEMENT/PERIOD (ENG-2025-001/2026-08, a restatement of it .../2026-08/1),
    or one service level of it (.../SL-01), on this installation; or what was taken away from
    one: the file with everything (zip), the folder it was unpacked into, or the sealed document
    with --evidence. Those need no database and no network.

    Leaves with 0 where all is equal, 1 where something differs, 2 where nothing could be checked.
    """
    path = Path(measurement)
    if path.exists():
        found = _from_files(path, evidence, sha256)
    else:
        found = _from_installation(measurement, sha256)
    if as_json:
        print_json(_as_json(found))
    else:
        click.echo("\n".join(_lines(found)))
    sys.exit(0 if found.equal else 1)


def _from_files(path: Path, evidence: Path | None, sha256: str | None) -> Verification:
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        files = unpacked(path, Path(folder)) if path.suffix == ".zip" else files_in(path, evidence)
        return _checked(files, sha256)


def _checked(files: SealedFiles, sha256: str | None) -> Verification:
    """The files first: an altered one is named, whatever it does to a figure."""
    if files.differences:
        return Verification(files.label, {}, files.differences)
    store = EvidenceStore.at(files.evidence)
    return _verified(files.document, sha256 or files.sha256, store.local)


def _verified(
    document: bytes, sha256: str | None, find: FindEvidence, only: str | None = None
) -> Verification:
    """The measurements; then the meters and the charges, where all that they rest on is equal."""
    found = verify_seal(document, sha256, find, only)
    if only is not None or not found.equal:
        return found
    differences = verify_meters(document, find) or verify_charges(document, find)
    return replace(found, differences=differences, notes=(*found.notes, *left_out(document)))


@dataclass(frozen=True, slots=True)
class _Address:
    reference: str
    period: Period
    restatement: int
    level: str | None


def _address_of(text: str) -> _Address:
    match = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST_ADDRESS else None
    if match is None:
        raise BadInput.one(
            Problem(
                "this names no measurement and no file",
                found=text,
                allowed="ENG-2025-001/2026-08, ENG-2025-001/2026-08/SL-01, or a file that is there",
            )
        )
    return _Address(
        match["reference"],
        Period.parse(match["period"]),
        int(match["restatement"] or 0),
        match["level"],
    )


def _from_installation(text: str, sha256: str | None) -> Verification:
    address = _address_of(text)
    with reading() as (session, settings):
        engagement = _engagement(session, address.reference)
        seal = seal_of_period(session, engagement, address.period, address.restatement)
        if seal is None:
            raise BadInput.one(
                Problem(
                    f"the figures of {address.period.label} aren't sealed",
                    found=text,
                    allowed="a period that both sides have sealed",
                )
            )
        known = _of_contract(session, seal.contract_version_id)
        store = store_of(settings)
        found = _verified(seal.document, sha256 or seal.sha256, store.local, address.level)
    return Verification(found.label, found.values, (*known, *found.differences), found.notes)


def _engagement(session: Session, reference: str) -> Engagement:
    found = session.scalars(
        select(Engagement).where(col(Engagement.reference) == reference)
    ).one_or_none()
    if found is None:
        raise BadInput.one(Problem("there is no such engagement or file", found=reference))
    return found


def _of_contract(session: Session, version_id: int) -> tuple[Difference, ...]:
    """The version that the installation keeps is the one that was sealed."""
    version = session.get_one(ContractVersion, version_id)
    found = digest(version.document)
    if found == version.sha256:
        return ()
    where = f"contract version {version.number}, in the database"
    return (Difference("contract document differs", where, version.sha256, found),)


def _as_json(found: Verification) -> dict[str, object]:
    return {
        "measurement": found.label,
        "equal": found.equal,
        "values": dict(found.values),
        "differences": [one.as_json() for one in found.differences],
        "notes": list(found.notes),
    }


def _lines(found: Verification) -> list[str]:
    lines = [f"{found.label}: {'equal' if found.equal else 'differs'}"]
    wrong = {one.where for one in found.differences}
    for level, value in found.values.items():
        answer = "differs" if level in wrong else "equal"
        lines.append(f"  {level:<12} {value if value is not None else 'no data':>16}  {answer}")
    for one in found.differences:
        lines.append(f"  {one.where}: {one.what}")
        lines += [f"    expected {one.expected}"] if one.expected else []
        lines += [f"    found    {one.found}"] if one.found else []
    return lines + [f"  note: {note}" for note in found.notes]
