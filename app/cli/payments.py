"""`plumbline payments`: bank statements as the import reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.common import print_json, reports_problems
from billing.payments.csv_reader import COLUMNS, Mapped
from billing.payments.notations import DayOrder, Mark
from billing.payments.statements import LARGEST_STATEMENT, read_statement
from billing.payments.values import Entry, Statement
from governance.errors import BadInput, Problem
from governance.values import Money, known_currency, money_text


@click.group()
def payments() -> None:
    """Bank statements: camt.053 and CSV."""


@payments.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--currency", default="EUR", help="Where no column of a CSV file says one.")
@click.option("--mark", type=click.Choice(["comma", "point"]), help="Decimal mark of a CSV file.")
@click.option("--month-first", is_flag=True, help="Days of a CSV file are written 12/31/2026.")
@click.option(
    "--column", "columns", multiple=True, metavar="PART=HEADING", help="Column of a part."
)
@reports_problems
def read(
    file: Path, currency: str, mark: str | None, columns: tuple[str, ...], *, month_first: bool
) -> None:
    """Print what is read of a statement as JSON; nothing is stored."""
    if not known_currency(currency):
        raise BadInput.one(Problem("this is no currency", column="--currency", found=currency))
    mapped = Mapped(
        _columns(columns),
        {"comma": Mark.COMMA, "point": Mark.POINT}.get(mark or ""),
        DayOrder.MONTH_FIRST if month_first else DayOrder.DAY_FIRST,
    )
    with file.open("rb") as opened:
        data = opened.read(LARGEST_STATEMENT + 1)
    print_json(_json(read_statement(file.name, data, mapped, currency)))


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs)
    unknown = sorted(found.keys() - COLUMNS.keys())
    if unknown:
        what = f"a payment has no {', '.join(unknown)}"
        raise BadInput.one(Problem(what, column="--column", allowed=", ".join(COLUMNS)))
    return found


def _json(statement: Statement) -> dict[str, Any]:
    return {
        "source": statement.source.value,
        "account": statement.account,
        "entries": [_entry(one) for one in statement.entries],
        "skipped": [
            {"place": one.place, "why": one.why, "found": one.found} for one in statement.skipped
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "place": entry.place,
        "direction": entry.direction.value,
        "booked_on": entry.booked_on.isoformat(),
        "value_on": entry.value_on.isoformat(),
        "currency": entry.currency,
        "amount": money_text(Money(entry.minor, entry.currency).amount, entry.currency),
        "debtor": entry.debtor,
        "iban": entry.iban,
        "end_to_end_id": entry.end_to_end_id,
        "references": list(entry.references),
        "text": entry.text,
        "bank_reference": entry.bank_reference,
    }
