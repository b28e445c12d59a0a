"""Spans of months as people write them."""

from __future__ import annotations

import pytest

from billing.simulation.checks import months_from
from governance.errors import BadInput


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("2025-01..2025-12", "2025-01", "2025-12", 12),
        ("2025-03", "2025-03", "2025-03", 1),
        ("2025-Q2", "2025-04", "2025-06", 3),
        ("2025", "2025-01", "2025-12", 12),
        ("2024-12..2025-Q1", "2024-12", "2025-03", 4),
        ("2020-01..2024-12", "2020-01", "2024-12", 60),
    ],
)
def test_spans(text: str, first: str, last: str, count: int) -> None:
    months = months_from(text)
    assert (months[0].label, months[-1].label, len(months)) == (first, last, count)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2025-12..2025-01", "the span ends before it starts"),
        ("2025-Q2..2025", "the span ends before it starts"),
        ("2025-13..2025-14", "is no span of months"),
        ("2025-01 2025-03", "is no span of months"),
        ("..", "is no span of months"),
        ("2020-01..2025-01", "61 months are too many"),
    ],
)
def test_what_is_no_span(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        months_from(text)
