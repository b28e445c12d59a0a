"""Up to which day the evidence speaks."""

from __future__ import annotations

from datetime import date

from sla.evidence.ledger import Ledger

_LAST_DAY = """
SELECT max(day) FROM (
  SELECT max(issue_date) AS day FROM invoices WHERE issue_date <= $latest
  UNION ALL
  SELECT max(CAST(received_at AS DATE)) FROM receipts
  WHERE CAST(received_at AS DATE) <= $latest
  UNION ALL
  SELECT max(applied_on) FROM allocations WHERE applied_on <= $latest
  UNION ALL
  SELECT max(effective_on) FROM adjustments WHERE effective_on <= $latest
  UNION ALL
  SELECT max(CAST(opened_at AS DATE)) FROM disputes WHERE CAST(opened_at AS DATE) <= $latest
) AS days
"""
"""What is planned, such as a due date or a promise, says nothing of how far the evidence goes."""


def last_day(ledger: Ledger, latest: date) -> date | None:
    """The last day, not after `latest`, on which a ledger row happened; None where none did."""
    ((found,),) = ledger.execute(_LAST_DAY, {"latest": latest}).rows
    return found if isinstance(found, date) else None
