"""Questions that plausible people would ask of a ledger. A finding never changes a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from datetime import date, timedelta
from statistics import median
from typing import Protocol

import duckdb

from sla.evidence.values import Finding

WINDOW_DAYS = 30
"""Days before, and after, a date that say what is usual there; as many lie between."""
USUAL_ITEMS = 30
"""So many open items on the days around make a day without any remarkable."""
SAMPLED_INVOICES = 1_000_000
"""Above this many, a sample of the invoices is looked at for seams."""
MONTHS = 6
"""Months of data that show what a usual month is."""
OUT_OF_LINE = 4
"""A month with this many times more, or fewer, invoices than usual stands out."""
USUAL_INVOICES = 20
"""Below this many invoices a month, months differ by chance."""
SHARE = 0.01
"""Share of rows from which on oddities are no longer single slips."""
UNALLOCATED_SHARE = 0.1
"""Share of receipts without any allocation; some unapplied cash is usual."""


class Tables(Protocol):
    """A ledger's views and which of them hold evidence."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection: ...

    @property
    def handed_in(self) -> Set[str]: ...


def find_implausible(ledger: Tables) -> tuple[Finding, ...]:
    """All findings on the evidence as a whole, in a fixed order."""
    return tuple(
        finding
        for needed, find in _QUESTIONS
        if needed <= ledger.handed_in
        for finding in find(ledger)
    )


def _rows(ledger: Tables, query: str) -> list[tuple[object, ...]]:
    return ledger.connection.execute(query).fetchall()


def _count(ledger: Tables, query: str) -> int:
    found = ledger.connection.execute(query).fetchone()
    return int(found[0] or 0) if found else 0


def _no_allocations(ledger: Tables) -> Iterator[Finding]:
    if "allocations" not in ledger.handed_in:
        message = "no allocations were handed in, so every invoice counts as unpaid"
        yield Finding("no_allocations", message, "invoices")


def _unallocated_receipts(ledger: Tables) -> Iterator[Finding]:
    total = _count(ledger, "SELECT count(*) FROM receipts")
    without = _count(
        ledger, "SELECT count(*) FROM receipts ANTI JOIN allocations USING (receipt_id)"
    )
    if without > total * UNALLOCATED_SHARE:
        message = f"{without} of {total} receipts are allocated to no invoice"
        yield Finding("receipts_without_allocations", message, "receipts")


_CROSSINGS = """
WITH settled AS (
  SELECT invoice_id, max(applied_on) AS settled_on, sum(amount) AS paid
  FROM (
    SELECT invoice_id, applied_on, amount FROM allocations WHERE {sampled}
    UNION ALL
    SELECT invoice_id, effective_on, amount FROM adjustments WHERE {sampled}
  ) GROUP BY invoice_id
), items AS (
  SELECT {begins} AS begins,
         CASE WHEN paid >= amount THEN settled_on ELSE DATE '9999-12-31' END AS ends
  FROM invoices LEFT JOIN settled USING (invoice_id) WHERE {sampled}
), changes AS (
  SELECT begins AS day, count(*) AS change FROM items WHERE begins < ends GROUP BY 1
  UNION ALL
  SELECT ends, -count(*) FROM items WHERE begins < ends GROUP BY 1
)
SELECT day, CAST(sum(sum(change)) OVER (ORDER BY day) AS BIGINT) FROM changes
WHERE day < DATE '9999-12-31' GROUP BY day ORDER BY day
"""
"""Items that are open at the end of each day on which their number changes."""


def _seams(ledger: Tables) -> Iterator[Finding]:
    """Dates that no open item crosses, though many do so on the days around.

    An extraction that takes one year's items and then the next year's, each until its own
    end, cuts like this: every item seems paid, and the effectiveness of collection perfect.
    """
    stride = _count(ledger, "SELECT count(*) FROM invoices") // SAMPLED_INVOICES + 1
    sampled = f"hash(invoice_id) % {stride} = 0" if stride > 1 else "true"
    for begins, what in (("issue_date", "open"), ("due_date", "past due")):
        changes = _rows(ledger, _CROSSINGS.format(sampled=sampled, begins=begins))
        for first, last, usual in _empty_days(_by_day(changes)):
            days = f"on {first}" if first == last else f"from {first} to {last}"
            message = (
                f"no invoice is {what} at the end of the day {days}, where around {usual} "
                "usually are: the evidence looks cut there, and figures around it too good"
            )
            yield Finding("no_open_items_cross", message, "invoices")
            return


def _by_day(changes: Sequence[tuple[object, ...]]) -> dict[date, int]:
    by_day: dict[date, int] = {}
    day, items = date.max, 0
    for changed_on, after in changes:
        assert isinstance(changed_on, date)  # noqa: S101 (narrows the type)
        assert isinstance(after, int)  # noqa: S101 (narrows the type)
        while day < changed_on:
            by_day[day] = items
            day += timedelta(days=1)
        day, items = changed_on, after
    return by_day


def _empty_days(by_day: dict[date, int]) -> Iterator[tuple[date, date, int]]:
    """Runs of days without items, with what is usual around them."""
    days = list(by_day)
    counts = list(by_day.values())
    reach = 2 * WINDOW_DAYS
    start = None
    for place in range(reach, len(days) - reach):
        if counts[place] == 0 and start is None:
            start = place
        if counts[place] or start is None:
            start = None
            continue
        if counts[place + 1] == 0:
            continue
        before = median(counts[max(start - reach, 0) : start - WINDOW_DAYS])
        after = median(counts[place + WINDOW_DAYS : place + reach])
        if min(before, after) >= USUAL_ITEMS:
            yield days[start], days[place], round(min(before, after))


def _months_out_of_line(ledger: Tables) -> Iterator[Finding]:
    """Months, other than the first and the last, with far more or fewer invoices than usual."""
    found = _rows(
        ledger,
        "SELECT CAST(month AS DATE), count(invoice_id) FROM (SELECT unnest(generate_series("
        "date_trunc('month', min(issue_date)), max(issue_date), INTERVAL 1 MONTH)) AS month "
        "FROM invoices) LEFT JOIN invoices ON date_trunc('month', issue_date) = month "
        "GROUP BY 1 ORDER BY 1",
    )
    counts = [(month, int(str(count))) for month, count in found]
    if len(counts) < MONTHS:
        return
    usual = median(count for _, count in counts)
    for month, count in counts[1:-1]:
        fits = usual / OUT_OF_LINE <= count <= usual * OUT_OF_LINE
        if usual >= USUAL_INVOICES and not fits:
            issued = f"{count} invoices were issued in {str(month)[:7]}"
            message = f"{issued}, where {round(usual)} are usual in a month"
            yield Finding("month_out_of_line", message, "invoices")


def _due_before_issue(ledger: Tables) -> Iterator[Finding]:
    total = _count(ledger, "SELECT count(*) FROM invoices")
    early = _count(ledger, "SELECT count(*) FROM invoices WHERE due_date < issue_date")
    if early > total * SHARE:
        message = f"{early} of {total} invoices are due before they were issued"
        yield Finding("due_before_issue", message, "invoices")


def _swapped_dates(ledger: Tables) -> Iterator[Finding]:
    """Issue dates whose terms are usual only with day and month swapped."""
    found = _count(
        ledger,
        """
        WITH terms AS (
          SELECT issue_date, due_date - issue_date AS days, CASE WHEN day(issue_date) <= 12
            AND day(issue_date) <> month(issue_date) THEN due_date
            - make_date(year(issue_date), day(issue_date), month(issue_date)) END AS swapped_days
          FROM invoices
        ), usual AS (
          SELECT days FROM terms WHERE day(issue_date) > 12 GROUP BY days
          HAVING count(*) > (SELECT count(*) FROM terms WHERE day(issue_date) > 12) / 50
        )
        SELECT count(*) FROM terms WHERE swapped_days IN (FROM usual) AND days NOT IN (FROM usual)
        """,
    )
    total = _count(ledger, "SELECT count(*) FROM invoices")
    if found > max(total * SHARE, USUAL_INVOICES):
        message = (
            f"{found} of {total} issue dates agree with their due dates only with day and month "
            "swapped"
        )
        yield Finding("day_and_month_swapped", message, "invoices")


_QUESTIONS: tuple[tuple[frozenset[str], Callable[[Tables], Iterator[Finding]]], ...] = (
    (frozenset({"invoices"}), _no_allocations),
    (frozenset({"receipts", "allocations"}), _unallocated_receipts),
    (frozenset({"invoices", "allocations"}), _seams),
    (frozenset({"invoices"}), _months_out_of_line),
    (frozenset({"invoices"}), _due_before_issue),
    (frozenset({"invoices"}), _swapped_dates),
)
