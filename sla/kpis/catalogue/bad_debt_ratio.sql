/* ---
title: Bad-debt ratio
unit: "%"
direction: lower_is_better
function: collections
datasets:
  required: [invoices, adjustments]
definition: Write-offs that take effect in the period / sales of the period × 100.
source: Common practice
drill_down: Write-offs (numerator, amount) and invoices issued in the period (denominator, amount).
--- */
WITH
contributions AS (
  SELECT
    'write_off' AS kind, adjustment_id AS id, invoice_id, effective_on AS on_date,
    amount AS numerator, CAST(0 AS DECIMAL(18, 4)) AS denominator
  FROM adjustments
  WHERE kind = 'write_off' AND effective_on BETWEEN $period_start AND $period_end
  UNION ALL
  SELECT
    'sale' AS kind, invoice_id AS id, invoice_id, issue_date AS on_date,
    CAST(0 AS DECIMAL(18, 4)) AS numerator, amount AS denominator
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
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
