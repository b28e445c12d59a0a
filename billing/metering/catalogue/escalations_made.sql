/* ---
title: Escalations made
kind: count
datasets: [activities]
definition: >
  Activities of the kind escalation that took place in the period.
source: The contract language, section "Charges"
drill_down: Accounts escalated in the period.
--- */
WITH
counted AS (
  SELECT activity_id, customer_id, invoice_id, "at", channel
  FROM activities
  WHERE kind = 'escalation' AND CAST("at" AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY "at", activity_id
