"""Tables as CSV: what a spreadsheet would calculate stays text."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.web.tables import Cell, csv_bytes, csv_download, safe_cell


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"]
)
def test_texts_that_look_like_formulas_get_an_apostrophe(first: str) -> None:
    assert safe_cell(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("-12.50"), "-12.50"),
        (-3, "-3"),
        (0, "0"),
        (None, ""),
        ("", ""),
        ("a=b", "a=b"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
    ],
)
def test_everything_else_stays_as_it_is(value: str | int | Decimal | None, expected: str) -> None:
    assert safe_cell(value) == expected


def test_quotes_commas_and_line_breaks_stay_in_their_cell() -> None:
    rows: list[list[Cell]] = [['"a", b', "x\r\n=1+1", "=cmd|' /C calc'!A0"], ["é", -1, None]]
    data = csv_bytes(["-name", "value", "more"], rows)
    read = list(csv.reader(data.decode("utf-8-sig").splitlines(keepends=True)))
    assert read == [
        ["'-name", "value", "more"],
        ['"a", b', "x\r\n=1+1", "'=cmd|' /C calc'!A0"],
        ["é", "-1", ""],
    ]


def test_a_table_is_saved_and_never_opened_as_a_page() -> None:
    answer = csv_download(["who"], [["Ada"]], 'duties "ENG-1".csv')
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="duties _ENG-1')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.content == '﻿"who"\r\n"Ada"\r\n'.encode()
