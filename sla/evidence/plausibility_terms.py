"""Questions about the days between issue and due date."""

# ruff: noqa: S608 (All parts of the queries are this module's own.)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sla.evidence.plausibility_tables import EXAMPLES, SHARE, Tables, count, rows, sampled
from sla.evidence.values import Example, Finding

USUAL_INVOICES = 20
"""So few invoices differ by chance."""
FAR_DAYS = 730
"""A term of two years is no term of payment, where hardly any invoice has one."""


def due_before_issue(ledger: Tables) -> Iterator[Finding]:
    """Invoices that were due before they were issued: usually a wrong date, or a wrong column."""
    found = rows(
        ledger,
        "SELECT count(*), count(DISTINCT customer_id), min(issue_date), max(issue_date), "
        "max(date_diff('day', due_date, issue_date)) FROM invoices WHERE due_date < issue_date",
    )
    early, customers, first, last, most = found[0]
    if not early:
        return
    total = count(ledger, "SELECT count(*) FROM invoices")
    all_customers = count(ledger, "SELECT count(DISTINCT customer_id) FROM invoices")
    message = (
        f"{early} of {total} invoices are due before they were issued, by up to {most} days; they "
        f"are {customers} of {all_customers} customers', elsewhere it never occurs"
    )
    evidence = (
        ("invoices due before issue", str(early)),
        ("customers with such invoices", f"{customers} of {all_customers}"),
        ("issued between", f"{first} and {last}"),
        ("longest", f"{most} days"),
    )
    shown = rows(
        ledger,
        "SELECT invoice_id, issue_date, due_date FROM invoices WHERE due_date < issue_date "
        f"ORDER BY date_diff('day', due_date, issue_date) DESC, invoice_id LIMIT {EXAMPLES}",
    )
    examples = tuple(Example(str(key), f"issued {day}, due {due}") for key, day, due in shown)
    yield Finding("due_before_issue", message, "invoices", evidence, examples)


def far_due_dates(ledger: Tables) -> Iterator[Finding]:
    """Single due dates years after the issue, which no other invoice of the ledger has."""
    far = f"date_diff('day', issue_date, due_date) > {FAR_DAYS}"
    found = count(ledger, f"SELECT count(*) FROM invoices WHERE {far}")
    total = count(ledger, "SELECT count(*) FROM invoices")
    if not 0 < found < total * SHARE:
        return
    shown = rows(
        ledger,
        f"SELECT invoice_id, issue_date, due_date FROM invoices WHERE {far} "
        f"ORDER BY due_date DESC, invoice_id LIMIT {EXAMPLES}",
    )
    examples = tuple(Example(str(key), f"issued {day}, due {due}") for key, day, due in shown)
    message = f"{found} of {total} invoices are due more than {FAR_DAYS} days after their issue"
    evidence = (("invoices with such a term", str(found)),)
    yield Finding("due_date_far_away", message, "invoices", evidence, examples)


_SWAPPED = """
WITH terms AS (
  SELECT invoice_id, {date} AS written, due_date, issue_date, due_date - issue_date AS days,
    CASE WHEN day({date}) <= 12 AND day({date}) <> month({date})
      THEN make_date(year({date}), day({date}), month({date})) END AS swapped
  FROM invoices WHERE {sampled}
), usual AS (
  SELECT days FROM terms WHERE day(written) > 12 GROUP BY days
  HAVING count(*) > (SELECT count(*) FROM terms WHERE day(written) > 12) / 50
), suspects AS (
  SELECT *, {difference} AS swapped_days FROM terms
  WHERE swapped IS NOT NULL AND days NOT IN (SELECT days FROM usual)
)
SELECT {columns} FROM suspects WHERE swapped_days IN (SELECT days FROM usual) {order}
"""
"""Days that can't be misread (above the twelfth) tell which terms are usual."""
_DATES = {"issue_date": "due_date - swapped", "due_date": "swapped - issue_date"}
"""Column that may be swapped, and the term that it then gives."""


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """One column whose days and months may be swapped."""

    column: str
    difference: str
    condition: str
    """Which invoices are looked at."""

    def query(self, columns: str, order: str = "") -> str:
        """What the suspects of the column hold."""
        return _SWAPPED.format(
            date=self.column,
            difference=self.difference,
            sampled=self.condition,
            columns=columns,
            order=order,
        )


def swapped_dates(ledger: Tables) -> Iterator[Finding]:
    """Dates that agree with the invoice's other date only with day and month swapped."""
    condition, looked_at = sampled(ledger)
    total = count(ledger, f"SELECT count(*) FROM invoices WHERE {condition}")
    for column, difference in _DATES.items():
        suspicion = _Suspicion(column, difference, condition)
        query = suspicion.query("count(*), min(written), max(written)")
        found, first, last = rows(ledger, query)[0]
        if int(str(found)) <= max(total * SHARE, USUAL_INVOICES):
            continue
        words = column.replace("_", " ")
        message = (
            f"{found} of {total} {words}s agree with the invoice's other date only with day and "
            "month swapped: whoever saved the file seems to have read days as months"
        )
        evidence = (
            (f"{words}s that fit only swapped", f"{found} of {total}"),
            ("they lie between", f"{first} and {last}"),
            ("invoices looked at", looked_at),
        )
        examples = _swapped_examples(ledger, suspicion)
        yield Finding("day_and_month_swapped", message, "invoices", evidence, examples)


def _swapped_examples(ledger: Tables, suspicion: _Suspicion) -> tuple[Example, ...]:
    columns = "invoice_id, written, days, swapped, swapped_days"
    shown = rows(ledger, suspicion.query(columns, f"ORDER BY invoice_id LIMIT {EXAMPLES}"))
    words = suspicion.column.replace("_", " ")
    return tuple(
        Example(
            str(key),
            f"{words} {written} gives a term of {_days(days)}, {swapped} of {_days(swapped_days)}",
        )
        for key, written, days, swapped, swapped_days in shown
    )


def _days(days: object) -> str:
    return f"{days} day" if str(days) == "1" else f"{days} days"
