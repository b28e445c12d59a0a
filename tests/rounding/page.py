"""The page on rounding, written from its cases: for the documentation, and for the application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from markdown_it import MarkdownIt

from tests.paths import CASES, ROOT

PAGE = ROOT / "docs" / "rounding.md"
PARTS = ROOT / "templates" / "rounding" / "parts"
"""The same in the application: a file a section, as nothing there reads Markdown."""
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


def page_parts() -> dict[str, str]:
    """By file name, the sections as they stand in the application."""
    reader = MarkdownIt("commonmark").enable("table")
    return {
        f"{number:02}.html": _part(reader, number, section)
        for number, section in enumerate(sections(), 1)
    }


def _part(reader: MarkdownIt, number: int, section: Mapping[str, Any]) -> str:
    tables = [_TABLES[table["kind"]](table["rows"]) for table in section.get("tables", ())]
    body = reader.render("\n".join([section["text"], *tables]))
    title = section["title"]
    figures = _SCROLLS if _RIGHT in body else _WRAPS
    for plain, styled in (*figures, *_STYLED, ('"Table"', f'"{title}, table"')):
        body = body.replace(plain, styled)
    body = re.sub(r"\n(?=<t[hd]\b|</tr>)", "", body)
    return (
        f'<section class="card" aria-labelledby="part-{number}">\n'
        f'<div class="card-header"><h2 id="part-{number}">{title}</h2></div>\n'
        f'<div class="card-body stack">\n{body}</div>\n</section>\n'
    )


_RIGHT = ' style="text-align:right"'
_SCROLLING = (
    '<div class="wide-scroll position-relative" tabindex="0" role="region" aria-label="Table">'
)
_WRAPS = (("<table>", '<table class="table table-sm">'),)
"""Of words alone: they fold on a narrow screen."""
_SCROLLS = (
    ("<table>", f'{_SCROLLING}\n<table class="table table-sm">'),
    ("</table>", "</table>\n</div>"),
)
_STYLED = (
    (f"<th{_RIGHT}>", '<th scope="col" class="num">'),
    ("<th>", '<th scope="col">'),
    (f"<td{_RIGHT}>", '<td class="num">'),
)
"""What the application's styles know; it refuses styles that stand in a page."""


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
