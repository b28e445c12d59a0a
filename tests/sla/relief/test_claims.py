"""What people paste as rows and as spans of time."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest

from governance.errors import BadInput
from sla.relief.claims import read_keys, read_spans
from sla.relief.values import Span

ZONE = "Europe/Berlin"


def test_spans_are_instants_so_that_an_hour_is_an_hour_when_clocks_change() -> None:
    (span,) = read_spans("2026-03-29 01:30 to 2026-03-29 03:30", ZONE)
    assert span == Span(
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    )
    assert span.seconds == 3600
    (span,) = read_spans("2026-10-25T00:00+02:00 to 2026-10-25 04:00", ZONE)
    assert span.seconds == 5 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29 02:30 to 2026-03-29 03:15",
        "2026-03-29 01:00 to 2026-03-29 02:30",
        "0001-01-01 00:00 to 2026-01-01 00:00",
        "2026-01-01 00:00 to 9999-12-31 23:59-05:00",
        "2026-01-02 to 2026-01-01",
        "2026-01-01 to 2026-01-01",
        "to",
    ],
)
def test_what_is_no_span_of_time_is_named(text: str) -> None:
    with pytest.raises(BadInput, match="not a span of time") as caught:
        read_spans(f"2026-01-01 to 2026-01-02\n{text}", ZONE)
    assert [one.row for one in caught.value.problems] == [2]


def test_keys_are_read_whatever_ends_their_lines() -> None:
    assert read_keys("invoices", "I-1\rI-2\r\nI-3\n\n") == {"I-1", "I-2", "I-3"}
    assert read_keys("invoices", "amount,invoice_id\n1,I-1\n2\n") == {"I-1"}


def test_a_list_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadInput, match="the list of rows can't be read"):
        read_keys("invoices", '"' + "x" * (csv.field_size_limit() + 1))
