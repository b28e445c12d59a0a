"""The journal as a file: CSV for spreadsheets and imports, or hledger's format."""

from __future__ import annotations

from enum import StrEnum

from app.web.tables import CSV_TYPE, csv_bytes
from billing.accounting.csv_rows import COLUMNS, journal_rows
from billing.accounting.hledger import hledger_text
from billing.accounting.values import Journal


class JournalFormat(StrEnum):
    """How a journal is written."""

    CSV = "csv"
    HLEDGER = "hledger"

    @property
    def media_type(self) -> str:
        """What such a file is served as."""
        return CSV_TYPE if self is JournalFormat.CSV else "text/plain; charset=utf-8"

    def file_name(self, journal: Journal) -> str:
        """Such as ENG-1-journal-provider-2026-01-2026-12.csv."""
        first, last = journal.period.start, journal.period.end
        ending = "csv" if self is JournalFormat.CSV else "journal"
        months = f"{first:%Y-%m}-{last:%Y-%m}"
        return f"{journal.engagement}-journal-{journal.side}-{months}.{ending}"


def journal_bytes(journal: Journal, kind: JournalFormat) -> bytes:
    """The file; in CSV no cell is a formula."""
    if kind is JournalFormat.CSV:
        return csv_bytes(COLUMNS, journal_rows(journal))
    return hledger_text(journal).encode()
