/* ---
title: Calls made
kind: count
datasets: [activities]
definition: >
  Activities of the kind call that took place in the period.
source: The contract language, section "Charges"
drill_down: Calls made in the period.
--- */
WITH
counted AS (
  SELECT activity_id, customer_id, invoice_id, "at", channel
  FROM activities
  WHERE kind = 'call' AND CAST("at" AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY "at", activity_id
