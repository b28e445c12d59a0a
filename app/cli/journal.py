"""`plumbline journal`: the entries of an engagement's fees for accounting."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.cli.common import reports_problems
from app.cli.installation import changing
from app.journal_files import JournalFormat, journal_bytes
from billing.accounting.queries import Wanted, checked_rate, months_between, read_journal
from billing.accounting.values import Journal
from governance.access import Actor
from governance.access_terms import Side
from governance.audit.exports import record_export
from governance.engagements.models import Engagement
from governance.errors import BadInput, Problem
from governance.tables import digest
from governance.values import money_text


@click.command()
@click.option("--engagement", "reference", required=True, help="Its reference, as ENG-2025-001.")
@click.option("--from", "first", required=True, help="First month, as 2026-01.")
@click.option("--to", "last", required=True, help="Last month, as 2026-12.")
@click.option(
    "--format", "kind", type=click.Choice([one.value for one in JournalFormat]), default="csv"
)
@click.option(
    "--side",
    type=click.Choice([one.value for one in Side]),
    default=Side.PROVIDER.value,
    show_default=True,
    help="Whose books.",
)
@click.option(
    "--own-tax",
    help="Rate in % of the tax that the client declares itself (reverse charge), for its books.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write.",
)
@reports_problems
def journal(  # noqa: PLR0917 (click passes one argument an option, by name)
    reference: str, first: str, last: str, kind: str, side: str, own_tax: str | None, out: Path
) -> None:
    """Write the balanced entries of invoices, credit notes, payments, write-offs and accruals.

    The audit log notes who took which file: here the command line.
    """
    wanted = Wanted(months_between(first, last), Side(side), checked_rate(own_tax or ""))
    with changing() as (session, _):
        engagement = _engagement(session, reference)
        now = datetime.now(UTC)
        found = read_journal(session, engagement, wanted, now.date())
        data = journal_bytes(found, JournalFormat(kind))
        label = f"Journal of {reference}, {first} to {last}, {side}'s books"
        record_export(
            session,
            Actor(None, "command line", now),
            engagement.id,
            label,
            sha256=digest(data),
            size=len(data),
        )
        # Last: a file that can't be written leaves no entry, and none is written without one.
        session.flush()
        out.write_bytes(data)
    click.echo("\n".join(_said(found, out)))


def _engagement(session: Session, reference: str) -> Engagement:
    found = session.scalars(
        select(Engagement).where(col(Engagement.reference) == reference)
    ).one_or_none()
    if found is None:
        raise BadInput.one(
            Problem("there is no such engagement", column="--engagement", found=reference)
        )
    return found


def _said(found: Journal, out: Path) -> list[str]:
    totals = {one.currency: Decimal(0) for one in found.totals}
    for one in found.totals:
        totals[one.currency] += one.debit
    sums = ", ".join(f"{key} {money_text(value, key)}" for key, value in sorted(totals.items()))
    entries = f"{len(found.entries)} entr{'y' if len(found.entries) == 1 else 'ies'}"
    told = f"{entries}, {sums} on either side" if sums else "no entries"
    return [f"Wrote {out}: {told}.", *found.notes]
