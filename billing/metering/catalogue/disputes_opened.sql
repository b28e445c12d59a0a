/* ---
title: Disputes opened
kind: count
datasets: [disputes]
definition: >
  Disputes opened in the period, whether or not they are resolved.
source: The contract language, section "Charges"
drill_down: Disputes opened in the period.
--- */
WITH
counted AS (
  SELECT dispute_id, invoice_id, opened_at, resolved_at, reason, amount
  FROM disputes
  WHERE CAST(opened_at AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY opened_at, dispute_id
