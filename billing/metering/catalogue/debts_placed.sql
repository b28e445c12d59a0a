/* ---
title: Debts placed
kind: count
datasets: [placements]
day: placed_on
definition: >
  Debts handed to the provider for collection in the period.
source: The contract language, section "Charges"
drill_down: Debts placed in the period.
--- */
WITH
counted AS (
  SELECT invoice_id, placed_on, amount
  FROM placements
  WHERE placed_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY placed_on, invoice_id, amount
