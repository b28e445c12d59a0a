/* ---
title: Cash collected
unit: currency
direction: higher_is_better
function: collections
datasets:
  required: [allocations]
definition: >
  Sum of what was allocated to invoices in the period. It is zero where nothing was allocated in
  the period but on days before and after it, and no data where the allocations don't reach it.
source: Common practice
drill_down: Allocations of the period (numerator, amount).
--- */
WITH
contributions AS (
  SELECT receipt_id, invoice_id, applied_on, matched_by, amount AS numerator
  FROM allocations
  WHERE applied_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  CASE
    WHEN (
      SELECT min(applied_on) <= $period_end AND max(applied_on) >= $period_start FROM allocations
    )
      THEN coalesce(sum(numerator), 0)
  END AS numerator,
  count(*) AS ledger_rows
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY applied_on, receipt_id, invoice_id, numerator, matched_by
