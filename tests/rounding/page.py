"""The page on rounding, written from its cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from tests.paths import CASES, ROOT

PAGE = ROOT / "docs" / "rounding.md"
_INTRODUCTION = """\
# Rounding

Where amounts and values are rounded, and which way, with tables that can be checked by hand. The
page is written from the cases of the tests by `make rounding-docs`; the tests compute each row with
the code that computes invoices. Why it is so:
[decision 5](decisions/0005-invoice-money-rounding.md).
"""


def sections() -> list[dict[str, Any]]:
    """The page's parts in order."""
    loaded: list[dict[str, Any]] = yaml.load(
        (CASES / "rounding.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return loaded


def rows(kind: str) -> list[dict[str, Any]]:
    """All rows of the tables of one kind."""
    tables = (table for section in sections() for table in section.get("tables", ()))
    return [row for table in tables if table["kind"] == kind for row in table["rows"]]


def page_markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for section in sections():
        parts += [f"## {section['title']}\n", section["text"]]
        parts += [_TABLES[table["kind"]](table["rows"]) for table in section.get("tables", ())]
    return "\n".join(parts)


def _table(heading: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    whole = [heading, ["---"] + ["---:"] * (len(heading) - 1), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in whole)


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    heading = ("charge", "before rounding", "line")
    return _table(heading, ((row["says"], row["exact"], row["line"]) for row in rows))


def _limits(rows: Iterable[Mapping[str, Any]]) -> str:
    heading = ("value", "`round_to`", "compared", "expected", "minimum", "status")
    return _table(
        heading,
        (
            (
                row["value"],
                str(row.get("round_to", "none")),
                row["rounded"],
                row["expected"],
                row["minimum"],
                row["status"].replace("_", " "),
            )
            for row in rows
        ),
    )


def _caps(rows: Iterable[Mapping[str, Any]]) -> str:
    heading = ("", "cap", "credit", "exact share", "share")
    return _table(heading, (line for row in rows for line in _cap_lines(row)))


def _cap_lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield (f"*{row['says']}*", row["cap"], "", "", row["cap"])
    for level, credit in row["credits"].items():
        yield (level, "", credit, row["exact"][level], row["shares"][level])


def _taxes(rows: Iterable[Mapping[str, Any]]) -> str:
    heading = ("lines and credit", "taxed", "rate", "tax", "total", "payable")
    return _table(heading, (line for row in rows for line in _tax_lines(row)))


def _tax_lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    amounts = " + ".join(line[0] for line in row["lines"])
    credit = f" − {row['credit']}" if "credit" in row else ""
    payable = row.get("payable", row["total"])
    yield (f"*{row['says']}*: {amounts}{credit}", "", "", "", row["total"], payable)
    for _, rate, base, tax in row["taxes"]:
        yield ("", base, f"{rate} %", tax, "", "")


def _conversions(rows: Iterable[Mapping[str, Any]]) -> str:
    heading = ("", "amount", "× rate", "converted")
    return _table(heading, (line for row in rows for line in _conversion_lines(row)))


def _conversion_lines(row: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    amount, converted = row["invoice"]
    yield (f"*{row['says']}*: the invoice", amount, row["rate"], converted)
    for part, (before, after) in enumerate(row["settled"], 1):
        yield (f"payment {part}", before, row["rate"], after)


_TABLES = {
    "lines": _lines,
    "limits": _limits,
    "caps": _caps,
    "taxes": _taxes,
    "conversions": _conversions,
}
