"""`plumbline evidence`: check a hand-in, import it into a store, list the import profiles."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.common import json_option, print_json, reports_problems
from app.cli.installation import installation
from app.cli.proposals import answered_proposal, proposal_json, proposal_text
from app.errors import outcome_of
from app.evidence_store import store_at, store_of
from app.operation.evidence_move import move_evidence
from governance.calendars import Calendars
from governance.errors import BadInput
from sla.evidence.ledger import open_ledger
from sla.evidence.profiles import load_profile, shipped_profiles
from sla.evidence.proposal import profile_yaml
from sla.evidence.reading import read_evidence
from sla.evidence.values import EvidenceFile, EvidenceSet, Finding, Rejection

_LISTED = 50
"""Rejections written out as text; the JSON answer has all that are listed."""


def _reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    profile = click.option("--profile", help="Shipped import profile by name, or a file's path.")
    zone = click.option("--time-zone", default="UTC", show_default=True, help="The engagement's.")
    return profile(zone(command))


@click.group()
def evidence() -> None:
    """Check evidence row by row, and keep it as immutable tables."""


@evidence.command()
@click.argument("source", type=click.Path(path_type=Path))
@_reading_options
@json_option
@reports_problems
def check(source: Path, profile: str | None, time_zone: str, as_json: bool) -> None:
    """Check every row of SOURCE, a folder or a file; exit status 2 if any is rejected."""
    with tempfile.TemporaryDirectory(prefix="plumbline-") as store:
        chosen = load_profile(profile) if profile else None
        read = read_evidence(source, Path(store), chosen, time_zone, file=str(source))
        findings = [*read.findings, *_questions(read, time_zone)]
        _report(read, findings, as_json=as_json, accepted=False)


@evidence.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=click.Path(path_type=Path), help="Folder for tables.")
@click.option("--accept-rejected", is_flag=True, help="Store the sound rows without the others.")
@_reading_options
@json_option
@reports_problems
def import_(  # noqa: PLR0917 (click passes options by their names)
    source: Path,
    store: Path,
    accept_rejected: bool,
    profile: str | None,
    time_zone: str,
    as_json: bool,
) -> None:
    """Store SOURCE as Parquet files named by their digest; nothing while a row is rejected."""
    chosen = load_profile(profile) if profile else None
    read = read_evidence(source, store, chosen, time_zone, accept_rejected, file=str(source))
    _report(read, list(read.findings), as_json=as_json, accepted=accept_rejected)


@evidence.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--answer", "given", multiple=True, metavar="KEY=VALUE", help="Decide a question.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the profile to this file.")
@json_option
@reports_problems
def propose(file: Path, given: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Propose an import profile for FILE; exit status 2 while a question is open."""
    proposal = answered_proposal(file, given)
    if proposal.profile is not None and out is not None:
        out.write_bytes(profile_yaml(proposal.profile))
    if as_json:
        print_json(proposal_json(proposal))
    else:
        click.echo(proposal_text(proposal, written=out))
    if proposal.profile is None:
        sys.exit(outcome_of(BadInput([])).exit_code)


@evidence.command()
@json_option
def profiles(as_json: bool) -> None:
    """List the import profiles that come with the product."""
    shipped = shipped_profiles()
    if as_json:
        print_json([profile.model_dump(mode="json", exclude_none=True) for profile in shipped])
        return
    for profile in shipped:
        click.echo(f"{profile.name}: {profile.title}\n  gives {', '.join(profile.tables)}")


@evidence.command()
@click.option("--to", "address", required=True, help="A folder, or s3://bucket/prefix.")
@reports_problems
def move(address: str) -> None:
    """Copy the installation's evidence to another store and check every file there.

    Nothing is taken away. One that was broken off goes on when it is begun again.
    """
    with installation() as (engine, settings):
        source, target = store_of(settings), store_at(address, settings)
        done = move_evidence(engine, source, target, lambda name: click.echo(f"  {name}"))
    click.echo(
        f"{done.copied} files copied, {done.checked} were there already; all of them are in"
        f" {target.address}, to the byte.\nStop the application, run this once more for what came"
        f" in meanwhile, and start it with PLUMBLINE_EVIDENCE_STORE={target.address}. Then"
        f" {source.address} is needed no more."
    )


def _questions(read: EvidenceSet, time_zone: str) -> tuple[Finding, ...]:
    """What the tables as a whole leave open; without several currencies' rates only that."""
    try:
        with open_ledger(read.files, calendars=Calendars(time_zone)) as ledger:
            return ledger.warnings
    except BadInput as error:
        problems = [Finding("not_comparable", str(problem)) for problem in error.problems]
    with open_ledger(read.files, calendars=Calendars(time_zone), mixed=True) as ledger:
        return (*problems, *ledger.warnings)


def _report(read: EvidenceSet, findings: list[Finding], *, as_json: bool, accepted: bool) -> None:
    if as_json:
        print_json(_as_json(read, findings))
    else:
        click.echo(_as_text(read, findings))
    if read.rejections and not accepted:
        sys.exit(outcome_of(BadInput([])).exit_code)


def _as_json(read: EvidenceSet, findings: list[Finding]) -> dict[str, Any]:
    return {
        "clean": not read.rejections,
        "tables": [
            {
                "dataset": file.dataset,
                "rows": file.rows,
                "sha256": file.sha256,
                "source": file.source,
                "source_sha256": file.source_sha256,
            }
            for file in read.files
        ],
        "rejected_rows": dict(read.rejected_rows or {}),
        "rejections": [rejection.as_json() for rejection in read.rejections],
        "findings": [each.as_json() for each in findings],
    }


def _as_text(read: EvidenceSet, findings: list[Finding]) -> str:
    lines = [_table_text(file) for file in read.files]
    lines += [_rejection_text(each) for each in read.rejections[:_LISTED]]
    lines += [
        f"{file}: {count} rows rejected" for file, count in (read.rejected_rows or {}).items()
    ]
    lines += [line for finding in findings for line in _finding_lines(finding)]
    return "\n".join(lines)


def _finding_lines(finding: Finding) -> list[str]:
    figures = "; ".join(f"{what}: {figure}" for what, figure in finding.evidence)
    examples = [f"  {example.key}: {example.text}" for example in finding.examples]
    return [f"note: {finding.message}", *([f"  {figures}"] if figures else []), *examples]


def _table_text(file: EvidenceFile) -> str:
    return f"{file.dataset:<14} {file.rows:>10,} rows  {file.sha256}  from {file.source}"


def _rejection_text(rejection: Rejection) -> str:
    where = [rejection.place, f"row {rejection.row}", rejection.column]
    if rejection.line is not None:
        where.insert(1, f"line {rejection.line}")
    place = ", ".join(part for part in where if part)
    return f"{place}: {rejection.reason}; found {rejection.value!r}"
