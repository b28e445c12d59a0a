/* ---
title: Unapplied cash share
unit: "%"
direction: lower_is_better
function: cash_application
datasets:
  required: [receipts, allocations]
  optional: [invoices, adjustments]
definition: >
  Cash unapplied at the end of the period / receipts of the period × 100. Unapplied is what of
  each receipt received by then is not allocated by then, and what is allocated to an invoice
  beyond its amount less its adjustments.
source: Common practice
drill_down: >
  Receipts of the period (denominator, amount) or with cash not allocated at its end, and invoices
  allocated beyond their amount at its end (numerator: unapplied cash).
--- */
WITH
allocated AS (
  SELECT receipt_id, sum(amount) AS allocated
  FROM allocations
  WHERE applied_on <= $period_end
  GROUP BY receipt_id
),
received AS (
  SELECT
    receipts.receipt_id,
    receipts.customer_id,
    CAST(receipts.received_at AS DATE) AS on_date,
    greatest(receipts.amount - coalesce(allocated.allocated, 0), 0) AS unapplied,
    CASE
      WHEN CAST(receipts.received_at AS DATE) >= $period_start THEN receipts.amount
      ELSE 0
    END AS received
  FROM receipts
  LEFT JOIN allocated ON allocated.receipt_id = receipts.receipt_id
  WHERE CAST(receipts.received_at AS DATE) <= $period_end
),
applied AS (
  SELECT invoice_id, sum(amount) AS applied, max(applied_on) AS applied_on
  FROM allocations
  WHERE applied_on <= $period_end
  GROUP BY invoice_id
),
adjusted AS (
  SELECT invoice_id, sum(amount) AS adjusted
  FROM adjustments
  WHERE effective_on <= $period_end
  GROUP BY invoice_id
),
-- An adjustment beyond an invoice's amount is a credit, not cash: no more than what was allocated
-- is unapplied.
over_applied AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    applied.applied_on AS on_date,
    least(
      applied.applied,
      greatest(applied.applied + coalesce(adjusted.adjusted, 0) - invoices.amount, 0)
    ) AS unapplied
  FROM invoices
  JOIN applied ON applied.invoice_id = invoices.invoice_id
  LEFT JOIN adjusted ON adjusted.invoice_id = invoices.invoice_id
),
contributions AS (
  SELECT
    'receipt' AS kind, receipt_id AS id, customer_id, on_date,
    unapplied AS numerator, received AS denominator
  FROM received
  WHERE unapplied > 0 OR on_date >= $period_start
  UNION ALL
  SELECT
    'over_applied' AS kind, invoice_id AS id, customer_id, on_date,
    unapplied AS numerator, 0 AS denominator
  FROM over_applied
  WHERE unapplied > 0
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY kind DESC, id
