"""Dates that no open item crosses: where evidence was cut and put together again."""

# ruff: noqa: S608 (All parts of the queries are this module's own.)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from sla.evidence.plausibility_tables import EXAMPLES, Tables, rows, sampled
from sla.evidence.values import Example, Finding

WINDOW_DAYS = 30
"""Days before, and after, a date that say what is usual there; as many lie between."""
USUAL_ITEMS = 30
"""So many open items on the days around make a day without any remarkable."""

_SETTLED = """
WITH settled AS (
  SELECT invoice_id, max(applied_on) AS settled_on, sum(amount) AS paid
  FROM (
    SELECT invoice_id, applied_on, amount FROM allocations WHERE {sampled}
    UNION ALL
    SELECT invoice_id, effective_on, amount FROM adjustments WHERE {sampled}
  ) GROUP BY invoice_id
), items AS (
  SELECT invoice_id, issue_date, due_date, {begins} AS begins,
         CASE WHEN paid >= amount THEN settled_on ELSE DATE '9999-12-31' END AS ends
  FROM invoices LEFT JOIN settled USING (invoice_id) WHERE {sampled}
)"""
_CROSSINGS = (
    _SETTLED
    + """, changes AS (
  SELECT begins AS day, count(*) AS change FROM items WHERE begins < ends GROUP BY 1
  UNION ALL
  SELECT ends, -count(*) FROM items WHERE begins < ends GROUP BY 1
)
SELECT day, CAST(sum(sum(change)) OVER (ORDER BY day) AS BIGINT) FROM changes
WHERE day < DATE '9999-12-31' GROUP BY day ORDER BY day
"""
)
"""Items that are open at the end of each day on which their number changes."""
_AROUND = (
    _SETTLED
    + """
SELECT invoice_id, begins, ends FROM items
WHERE begins < ends AND (ends BETWEEN DATE '{since}' AND DATE '{day}')
ORDER BY ends DESC, begins, invoice_id LIMIT {limit}
"""
)
"""Items that ended last before the cut."""


def seams(ledger: Tables) -> Iterator[Finding]:
    """Dates that no open item crosses, though many do so on the days around.

    An extraction that takes one year's items and then the next year's, each until its own
    end, cuts like this: every item seems paid, and the effectiveness of collection perfect.
    """
    condition, looked_at = sampled(ledger)
    for begins, what in (("issue_date", "open"), ("due_date", "past due")):
        query = _CROSSINGS.format(sampled=condition, begins=begins)
        for first, last, before, after in _empty_days(_by_day(rows(ledger, query))):
            days = f"on {first}" if first == last else f"from {first} to {last}"
            message = (
                f"no invoice is {what} at the end of the day {days}, where around "
                f"{round(min(before, after))} usually are: the evidence looks cut there, and "
                "figures around it too good"
            )
            evidence = (
                (f"{what} on usual days before", str(round(before))),
                (f"{what} {days}", "0"),
                (f"{what} on usual days after", str(round(after))),
                ("invoices looked at", looked_at),
            )
            around = _AROUND.format(
                sampled=condition,
                begins=begins,
                since=first - timedelta(days=WINDOW_DAYS),
                day=first,
                limit=EXAMPLES,
            )
            since = "issued" if begins == "issue_date" else "due"
            examples = tuple(
                Example(str(key), f"{since} {begun}, settled {ended}, none later than the cut")
                for key, begun, ended in rows(ledger, around)
            )
            yield Finding("no_open_items_cross", message, "invoices", evidence, examples)
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


def _empty_days(by_day: dict[date, int]) -> Iterator[tuple[date, date, float, float]]:
    """Runs of days without items, with what is usual before and after them."""
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
            yield days[start], days[place], before, after
