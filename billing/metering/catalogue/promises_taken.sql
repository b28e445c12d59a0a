/* ---
title: Promises taken
kind: count
datasets: [activities]
definition: >
  Promises to pay that customers made in the period, whether or not they were kept.
source: The contract language, section "Charges"
drill_down: Promises to pay taken in the period, with what was promised.
--- */
WITH
counted AS (
  SELECT activity_id, customer_id, invoice_id, "at", channel, promised_amount, promised_on
  FROM activities
  WHERE kind = 'promise' AND CAST("at" AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY "at", activity_id
