/* ---
title: Write-offs processed
kind: count
datasets: [adjustments]
definition: >
  Write-offs that took effect in the period.
source: The contract language, section "Charges"
drill_down: Write-offs that took effect in the period.
--- */
WITH
counted AS (
  SELECT adjustment_id, invoice_id, effective_on, amount, reason, requested_by, approved_by
  FROM adjustments
  WHERE kind = 'write_off' AND effective_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY effective_on, adjustment_id
