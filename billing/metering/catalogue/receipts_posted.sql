/* ---
title: Receipts posted
kind: count
datasets: [receipts]
needs_values: {receipts: posted_at}
definition: >
  Receipts posted to the ledger in the period. A receipt that is not posted yet doesn't count.
source: The contract language, section "Charges"
drill_down: Receipts posted in the period.
--- */
WITH
counted AS (
  SELECT receipt_id, customer_id, received_at, posted_at, amount
  FROM receipts
  WHERE CAST(posted_at AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY posted_at, receipt_id
