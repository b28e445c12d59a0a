/* ---
title: Allocations made
kind: count
datasets: [allocations]
day: applied_on
by: matched_by
definition: >
  Allocations of receipts to invoices applied in the period. With auto or manual behind the name,
  as in allocations_made/manual, only those matched that way.
source: The contract language, section "Charges"
drill_down: Allocations applied in the period.
--- */
WITH
counted AS (
  SELECT receipt_id, invoice_id, applied_on, matched_by, amount
  FROM allocations
  WHERE
    applied_on BETWEEN $period_start AND $period_end
    AND ($part = '' OR replace(lower(matched_by), ' ', '_') = $part)
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY applied_on, receipt_id, invoice_id, amount, matched_by
