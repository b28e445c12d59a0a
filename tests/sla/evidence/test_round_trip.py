"""Whatever is valid survives exactly; whatever is corrupted is found where it stands."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sla.evidence.reading import read_evidence
from tests.sla.evidence.handing_in import stored_rows, table, write_files

_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=12).map(
    lambda text: text.replace("\ufeff", "x")
)
_AMOUNT = st.decimals(0, Decimal(99999999999999), places=4, allow_nan=False).map(
    lambda value: value.normalize() + 0
)
_INVOICE = st.fixed_dictionaries(
    {
        "invoice_id": _TEXT,
        "customer_id": _TEXT,
        "issue_date": st.dates(date(1000, 1, 1)),
        "due_date": st.dates(date(1000, 1, 1)),
        "currency": st.sampled_from(["EUR", "USD", "JPY", "KWD"]),
        "amount": _AMOUNT,
        "delivered_at": st.none() | st.datetimes(datetime(1000, 1, 1)),  # noqa: DTZ001 (local)
        "channel": st.none() | _TEXT,
        "first_time_right": st.none() | st.booleans(),
        "business_unit": st.none() | _TEXT,
    }
)
_INVOICES = st.lists(_INVOICE, min_size=1, max_size=20, unique_by=lambda row: row["invoice_id"])


def cell(value: object) -> str:
    """A value as a careful system would write it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV text."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(rows[0])
    writer.writerows([cell(row[name]) for name in rows[0]] for row in rows)
    return stream.getvalue()


@settings(max_examples=15)
@given(_INVOICES)
def test_valid_rows_survive_exactly(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_files(Path(folder) / "in", {"invoices.csv": as_csv(rows)})
        evidence = read_evidence(source, Path(folder) / "store")
        assert evidence.rejections == ()
        assert stored_rows(table(evidence, "invoices")) == rows


@settings(max_examples=15)
@given(
    _INVOICES,
    st.data(),
    st.sampled_from(["issue_date", "due_date", "currency", "amount", "delivered_at"]),
    st.sampled_from(["x", "31/02/2013", "1.234,56", "2013-02-30", "--", "1e5", "€", "0x1F"]),
)
def test_a_corrupted_cell_is_found(
    rows: list[dict[str, Any]], data: st.DataObject, column: str, junk: str
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    rows[place] = rows[place] | {column: junk}
    with tempfile.TemporaryDirectory() as folder:
        source = write_files(Path(folder) / "in", {"invoices.csv": as_csv(rows)})
        (rejection,) = read_evidence(source, Path(folder) / "store").rejections
        assert (rejection.row, rejection.column, rejection.value) == (place + 1, column, junk)
