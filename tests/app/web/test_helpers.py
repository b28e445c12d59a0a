"""Small helpers of the pages, each without an application."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.addresses import identifier, segment
from app.web.engagements import months_over
from app.web.excerpts import excerpt
from app.web.rendering import cell, is_quantity, period_label, precise
from governance.contract.reading import read_contract
from governance.errors import Problem
from tests.factories import contract_bytes


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}", fullmatch=True))
def test_an_identifier_survives_its_address(text: str) -> None:
    assert "/" not in segment(text)
    assert identifier(segment(text)) == text


def test_a_short_document_is_shown_whole() -> None:
    problem = Problem("wrong", line=2)
    lines = excerpt(b"a\nb\nc", [problem])
    assert [(line.number, line.text, line.problems) for line in lines] == [
        (1, "a", ()),
        (2, "b", (problem,)),
        (3, "c", ()),
    ]


def test_a_long_document_is_shown_around_its_problems() -> None:
    data = "\n".join(str(number) for number in range(1, 501)).encode()
    lines = excerpt(data, [Problem("wrong", line=100), Problem("nowhere"), Problem("x", line=501)])
    numbers = [line.number for line in lines]
    assert numbers == [0, 97, 98, 99, 100, 101, 102, 103, 0, 498, 499, 500]


def test_a_document_that_is_no_text_is_shown_as_far_as_it_goes() -> None:
    assert [line.text for line in excerpt(b"\xff\xfe", [])] == ["��"]
    assert excerpt(b"", []) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (Decimal("1234.5000"), "1,234.50"),
        (Decimal("-0.125"), "−0.125"),
        (7, "7"),
        (True, "True"),
        (date(2026, 1, 31), "2026-01-31"),
        ("I-1", "I-1"),
    ],
)
def test_a_cell_keeps_every_digit(
    value: str | int | bool | Decimal | date | None, text: str
) -> None:
    assert cell(value, "EUR") == text
    assert is_quantity(value) is (isinstance(value, Decimal) or value == 7)


def test_long_figures_are_cut_visibly() -> None:
    assert precise(Decimal(1) / Decimal(3)) == "0.3333333333…"
    assert precise(Decimal("90.5")) == "90.5"
    assert precise(None) == "–"
    assert period_label("2013-02").split() == ["February", "2013"]


@pytest.mark.parametrize(
    ("every", "starts", "labels"),
    [
        ("month", "2026-01-15", ["2026-01", "2026-02", "2026-03"]),
        ("quarter", "2026-02-01", ["2026-02", "2026-03"]),
        ("year", "2026-03-01", ["2026-03"]),
    ],
)
def test_months_are_settled_whatever_is_invoiced(
    every: str, starts: str, labels: list[str]
) -> None:
    data = contract_bytes().replace(b"every: month", f"every: {every}".encode())
    data = data.replace(b"starts: 2026-01-01", f"starts: {starts}".encode())
    contract = read_contract(data, "contract.yaml")
    assert [one.label for one in months_over(contract, date(2026, 4, 10))] == labels


def test_no_period_begins_after_the_engagement_ends() -> None:
    data = contract_bytes().replace(
        b"starts: 2026-01-01", b"starts: 2026-01-01\n  ends: 2026-02-10"
    )
    contract = read_contract(data, "contract.yaml")
    labels = [one.label for one in months_over(contract, date(2027, 1, 1))]
    assert labels == ["2026-01", "2026-02"]
