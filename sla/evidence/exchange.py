"""Amounts of a ledger in one currency, by the exchange rates that were handed in."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from datetime import date

from governance.errors import BadInput, Problem
from governance.values import minor_digits
from sla.engines.engine import Connection
from sla.evidence.sql import identifier, literal

_WIDE = "DECIMAL(28, 4)"
"""An amount so that its product with a rate of DECIMAL(18,10) stays exact."""


def currencies(connection: Connection) -> list[str]:
    """The currencies of invoices and receipts, in order."""
    # The smallest and the largest come from the files' statistics, without reading rows.
    bounds = connection.execute(
        "SELECT min(low), max(high) FROM ("
        "SELECT min(currency) AS low, max(currency) AS high FROM given.invoices UNION ALL "
        "SELECT min(currency), max(currency) FROM given.receipts)"
    ).fetchone()
    low, high = bounds or (None, None)
    if low == high:
        return [low] if low else []
    found = connection.execute(
        "SELECT currency FROM given.invoices UNION SELECT currency FROM given.receipts ORDER BY 1"
    ).fetchall()
    return [currency for (currency,) in found]


def convert(connection: Connection, currency: str) -> None:
    """Replace the ledger's views by ones whose amounts are in `currency`, where any isn't.

    Raises BadInput for each pair of currencies that misses rates, with the dates' number and first.
    """
    if set(currencies(connection)) <= {currency}:
        return
    connection.execute(
        'CREATE TABLE given.rates AS SELECT "on" AS day, "from" AS currency, rate '
        f'FROM given.fx_rates WHERE "to" = {literal(currency)}'
    )
    _require_invoices(connection)
    _require_rates(connection, currency)
    connection.execute(
        "CREATE TABLE given.foreign_invoices AS SELECT invoice_id, rate FROM given.invoices "
        "JOIN given.rates ON rates.currency = invoices.currency AND day = issue_date "
        f"WHERE invoices.currency <> {literal(currency)}"
    )
    _convert_own(connection, "invoices", "issue_date", currency)
    _convert_own(connection, "receipts", "CAST(received_at AS DATE)", currency)
    _convert_settlements(connection, minor_digits(currency))
    for dataset, column in _BY_INVOICE:
        _convert_by_invoice(connection, dataset, column, minor_digits(currency))


_BY_INVOICE = (
    ("disputes", "amount"),
    ("placements", "amount"),
    ("activities", "promised_amount"),
)


def _require_invoices(connection: Connection) -> None:
    """Settlements carry no currency but their invoice's, which therefore must be there."""
    found = connection.execute(
        "SELECT count(*) FROM (SELECT invoice_id FROM given.allocations UNION "
        "SELECT invoice_id FROM given.adjustments EXCEPT SELECT invoice_id FROM given.invoices)"
    ).fetchone()
    if found and found[0]:
        what = f"{found[0]} invoices that allocations or adjustments name weren't handed in"
        allowed = "their invoices, since amounts are converted by the invoice's currency"
        raise BadInput.one(Problem(what, allowed=allowed))


def _require_rates(connection: Connection, currency: str) -> None:
    missing = connection.execute(
        "SELECT currency, min(day), count(*) FROM ("
        "SELECT issue_date AS day, currency FROM given.invoices UNION "
        "SELECT CAST(received_at AS DATE), currency FROM given.receipts "
        "EXCEPT SELECT day, currency FROM given.rates) "
        f"WHERE currency <> {literal(currency)} GROUP BY currency ORDER BY currency"
    ).fetchall()
    if missing:
        raise BadInput(_missing_rate(currency, *found) for found in missing)


def _missing_rate(currency: str, other: str, first: date, dates: int) -> Problem:
    days = f"{first}" if dates == 1 else f"{dates} dates, the first of them {first}"
    allowed = "a row of fx_rates for each such date and the pair"
    return Problem(f"no exchange rate from {other} to {currency} on {days}", allowed=allowed)


def _rounded(amount: str, rate: str, digits: int) -> str:
    return f"round(CAST({amount} AS {_WIDE}) * {rate}, {digits})"


def _convert_own(connection: Connection, dataset: str, day: str, currency: str) -> None:
    """Convert a dataset that has a currency and a date of its own."""
    name = literal(currency)
    converted = _rounded("amount", "rate", minor_digits(currency))
    connection.execute(
        f"CREATE OR REPLACE VIEW {dataset} AS "
        f"SELECT {dataset}.* EXCLUDE (file_row_number) REPLACE ("
        f"CASE WHEN {dataset}.currency = {name} THEN amount "
        f"ELSE CAST({converted} AS DECIMAL(18, 4)) END AS amount, {name} AS currency) "
        f"FROM given.{dataset} LEFT JOIN given.rates "
        f"ON rates.currency = {dataset}.currency AND rates.day = {day}"
    )


def _convert_settlements(connection: Connection, digits: int) -> None:
    """Convert what settles an invoice so that a paid invoice is paid to the last cent.

    Each part is the difference of two rounded running totals: rounding parts one by one
    would leave cents open on an invoice that was paid in full.
    """
    after = _rounded("total", "rate", digits)
    before = _rounded("total - amount", "rate", digits)
    connection.execute(
        "CREATE TABLE given.settlements AS "
        f"SELECT dataset, number, CAST({after} - {before} AS DECIMAL(18, 4)) AS amount FROM ("
        "SELECT dataset, number, amount, rate, sum(amount) OVER ("
        "PARTITION BY invoice_id ORDER BY day, dataset, number "
        "ROWS UNBOUNDED PRECEDING) AS total FROM ("
        "SELECT 'allocations' AS dataset, file_row_number AS number, invoice_id, "
        "applied_on AS day, amount FROM given.allocations UNION ALL "
        "SELECT 'adjustments', file_row_number, invoice_id, effective_on, amount "
        "FROM given.adjustments) JOIN given.foreign_invoices USING (invoice_id))"
    )
    for dataset in ("allocations", "adjustments"):
        connection.execute(
            f"CREATE OR REPLACE VIEW {dataset} AS "
            f"SELECT {dataset}.* EXCLUDE (file_row_number) "
            f"REPLACE (coalesce(settlements.amount, {dataset}.amount) AS amount) "
            f"FROM given.{dataset} LEFT JOIN given.settlements "
            f"ON dataset = '{dataset}' AND number = file_row_number"
        )


def _convert_by_invoice(connection: Connection, dataset: str, column: str, digits: int) -> None:
    """Convert a dataset whose amounts are in the currency of the invoice it names."""
    name = identifier(column)
    converted = f"CAST({_rounded(name, 'rate', digits)} AS DECIMAL(18, 4))"
    connection.execute(
        f"CREATE OR REPLACE VIEW {dataset} AS SELECT {dataset}.* EXCLUDE (file_row_number) "
        f"REPLACE (CASE WHEN rate IS NULL THEN {name} ELSE {converted} END AS {name}) "
        f"FROM given.{dataset} LEFT JOIN given.foreign_invoices USING (invoice_id)"
    )
