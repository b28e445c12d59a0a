/* ---
title: Disputes resolved
kind: count
datasets: [disputes]
definition: >
  Disputes resolved in the period, whenever they were opened.
source: The contract language, section "Charges"
drill_down: Disputes resolved in the period.
--- */
WITH
counted AS (
  SELECT dispute_id, invoice_id, opened_at, resolved_at, reason, outcome, amount
  FROM disputes
  WHERE CAST(resolved_at AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY resolved_at, dispute_id
