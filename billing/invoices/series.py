"""Take the next number of a series, so that none is skipped or given twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.invoices.models import DocumentNumber, InvoiceSeries
from billing.invoices.numbering import check_pattern, invoice_number, starts_anew_each_year
from governance.errors import Conflict


@dataclass(frozen=True, slots=True)
class TakenNumber:
    """A number and the place in its series."""

    series_id: int
    sequence: int
    number: str


def take_number(session: Session, provider_id: int, pattern: str, issued_on: date) -> TakenNumber:
    """The provider's next number of that pattern.

    The series stays locked until the transaction ends: a rolled-back invoice gives its number
    back, and the next one waits. Raises BadInput for an unusable pattern; Conflict where another
    document of the provider has the number, from a pattern that prints alike.
    """
    check_pattern(pattern)
    year = issued_on.year if starts_anew_each_year(pattern) else 0
    series = _locked(session, provider_id, pattern, year) or _create(
        session, provider_id, pattern, year
    )
    series.last_sequence += 1
    session.flush()
    number = invoice_number(pattern, issued_on, series.last_sequence)
    session.add(DocumentNumber(provider_id=provider_id, number=number))
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(
            f"the number {number} is on another document of the provider: two patterns print"
            " alike; change invoicing.number or invoicing.credit_note_number of one contract"
        ) from None
    return TakenNumber(series.id, series.last_sequence, number)


def _locked(session: Session, provider_id: int, pattern: str, year: int) -> InvoiceSeries | None:
    return session.execute(
        select(InvoiceSeries)
        .where(
            col(InvoiceSeries.provider_id) == provider_id,
            col(InvoiceSeries.pattern) == pattern,
            col(InvoiceSeries.year) == year,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _create(session: Session, provider_id: int, pattern: str, year: int) -> InvoiceSeries:
    """Start a series; where another transaction was faster, wait for it and take its row."""
    series = InvoiceSeries(provider_id=provider_id, pattern=pattern, year=year)
    try:
        with session.begin_nested():
            session.add(series)
    except IntegrityError:
        started = _locked(session, provider_id, pattern, year)
        assert started is not None  # noqa: S101 (the unique constraint says that it is there)
        return started
    return series
