/* ---
title: Write-off rate
unit: "%"
direction: lower_is_better
function: collections
datasets:
  required: [invoices, adjustments]
  optional: [allocations]
definition: Write-offs that take effect in the period / receivable before the period × 100.
source: Common practice
drill_down: >
  Write-offs of the period (numerator, amount) and invoices open on the day before it
  (denominator, open amount).
--- */
WITH
-- words: open_items
contributions AS (
  SELECT
    'write_off' AS kind, adjustment_id AS id, invoice_id, effective_on AS on_date,
    amount AS numerator, 0 AS denominator
  FROM adjustments
  WHERE kind = 'write_off' AND effective_on BETWEEN $period_start AND $period_end
  UNION ALL
  SELECT
    'opening' AS kind, invoice_id AS id, invoice_id, issue_date AS on_date,
    0 AS numerator, opening_amount AS denominator
  FROM open_items
  WHERE opening_amount > 0
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
