"""Questions that plausible people would ask of a ledger. A finding never changes a figure.

Each finding carries what it rests on: figures, dates, and a few of the rows it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from sla.evidence.plausibility_names import many_names, many_numbers
from sla.evidence.plausibility_seams import seams
from sla.evidence.plausibility_tables import EXAMPLES, SHARE, Tables, count, rows
from sla.evidence.plausibility_terms import (
    USUAL_INVOICES,
    due_before_issue,
    far_due_dates,
    swapped_dates,
)
from sla.evidence.values import Example, Finding

MONTHS = 6
"""Months of data that show what a usual month is."""
OUT_OF_LINE = 4
"""A month with this many times more, or fewer, invoices than usual stands out."""
UNALLOCATED_SHARE = 0.1
"""Share of receipts without any allocation; some unapplied cash is usual."""


def find_implausible(ledger: Tables) -> tuple[Finding, ...]:
    """All findings on the evidence as a whole, in a fixed order."""
    return tuple(
        finding
        for needed, find in _QUESTIONS
        if needed <= ledger.handed_in
        for finding in find(ledger)
    )


def _no_allocations(ledger: Tables) -> Iterator[Finding]:
    if "allocations" not in ledger.handed_in:
        message = "no allocations were handed in, so every invoice counts as unpaid"
        yield Finding("no_allocations", message, "invoices")


def _unallocated_receipts(ledger: Tables) -> Iterator[Finding]:
    total = count(ledger, "SELECT count(*) FROM receipts")
    lonely = "FROM receipts ANTI JOIN allocations USING (receipt_id)"
    without = count(ledger, f"SELECT count(*) {lonely}")
    if without > total * UNALLOCATED_SHARE:
        message = f"{without} of {total} receipts are allocated to no invoice"
        yield _on_receipts(ledger, "receipts_without_allocations", message, lonely, without)


def _receipts_without_invoices(ledger: Tables) -> Iterator[Finding]:
    """Money from customers whom nothing was ever invoiced: an extract that lacks invoices."""
    total = count(ledger, "SELECT count(*) FROM receipts")
    lonely = "FROM receipts ANTI JOIN invoices USING (customer_id)"
    without = count(ledger, f"SELECT count(*) {lonely}")
    if without > total * SHARE:
        message = f"{without} of {total} receipts come from customers without any invoice"
        yield _on_receipts(ledger, "receipts_without_invoices", message, lonely, without)


def _on_receipts(ledger: Tables, code: str, message: str, lonely: str, found: int) -> Finding:
    amount, first, last = rows(
        ledger,
        "SELECT sum(amount), CAST(min(received_at) AS DATE), CAST(max(received_at) AS DATE) "
        f"{lonely}",
    )[0]
    shown = rows(
        ledger,
        "SELECT receipt_id, customer_id, amount, CAST(received_at AS DATE) AS day "
        f"{lonely} ORDER BY amount DESC, receipt_id LIMIT {EXAMPLES}",
    )
    examples = tuple(
        Example(str(key), f"{paid} from {customer} on {day}") for key, customer, paid, day in shown
    )
    evidence = (
        ("such receipts", str(found)),
        ("their amount", str(amount)),
        ("received between", f"{first} and {last}"),
    )
    return Finding(code, message, "receipts", evidence, examples)


def _months_out_of_line(ledger: Tables) -> Iterator[Finding]:
    """Months, other than the first and the last, with far more or fewer invoices than usual."""
    found = rows(
        ledger,
        "SELECT CAST(month AS DATE), count(invoice_id) FROM (SELECT unnest(generate_series("
        "date_trunc('month', min(issue_date)), max(issue_date), INTERVAL 1 MONTH)) AS month "
        "FROM invoices) LEFT JOIN invoices ON date_trunc('month', issue_date) = month "
        "GROUP BY 1 ORDER BY 1",
    )
    counts = [(str(month)[:7], int(str(issued))) for month, issued in found]
    if len(counts) < MONTHS:
        return
    usual = median(issued for _, issued in counts)
    for place in range(1, len(counts) - 1):
        month, issued = counts[place]
        if usual < USUAL_INVOICES or usual / OUT_OF_LINE <= issued <= usual * OUT_OF_LINE:
            continue
        message = (
            f"{issued} invoices were issued in {month}, where {round(usual)} are usual in a month"
        )
        around = counts[place - 1 : place + 2]
        evidence = tuple((f"invoices issued in {name}", str(held)) for name, held in around)
        usually = (f"usual of {len(counts)} months", str(round(usual)))
        yield Finding("month_out_of_line", message, "invoices", (*evidence, usually))


_QUESTIONS: tuple[tuple[frozenset[str], Callable[[Tables], Iterator[Finding]]], ...] = (
    (frozenset({"invoices"}), _no_allocations),
    (frozenset({"receipts", "allocations"}), _unallocated_receipts),
    (frozenset({"receipts", "invoices"}), _receipts_without_invoices),
    (frozenset({"invoices", "allocations"}), seams),
    (frozenset({"invoices"}), _months_out_of_line),
    (frozenset({"invoices"}), due_before_issue),
    (frozenset({"invoices"}), far_due_dates),
    (frozenset({"invoices"}), swapped_dates),
    (frozenset({"customers"}), many_names),
    (frozenset({"invoices"}), many_numbers),
)
