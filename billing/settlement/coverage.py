"""Whether the evidence has anything to say about a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.values import Period
from sla.evidence.values import Finding

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

_ANY_ROW = """
SELECT 1 FROM invoices WHERE issue_date BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM receipts WHERE CAST(received_at AS DATE) BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM allocations WHERE applied_on BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM adjustments WHERE effective_on BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM disputes WHERE CAST(opened_at AS DATE) BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM activities WHERE CAST("at" AS DATE) BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM clock_events WHERE CAST("at" AS DATE) BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM placements WHERE placed_on BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM surveys WHERE answered_on BETWEEN $first AND $last
UNION ALL
SELECT 1 FROM resources WHERE "from" <= $last AND coalesce("to", $last) >= $first
UNION ALL
SELECT 1 FROM observations WHERE period = $label
LIMIT 1
"""


def coverage_findings(ledger: Ledger, period: Period) -> tuple[Finding, ...]:
    """A finding where no ledger row of any dataset is dated in the period.

    Its figures are then no data and its quantities zero, which is true of the evidence and
    perhaps not of the period.
    """
    bound = {"first": period.start, "last": period.end, "label": period.label}
    if ledger.execute(_ANY_ROW, bound).rows:
        return ()
    return (
        Finding(
            code="no_rows_in_period",
            message=f"No row of the evidence is dated in {period.label}: is it complete?",
        ),
    )
