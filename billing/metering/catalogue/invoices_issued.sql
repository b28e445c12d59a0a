/* ---
title: Invoices issued
kind: count
datasets: [invoices]
definition: >
  Invoices whose issue date lies in the period.
source: The contract language, section "Charges"
drill_down: Invoices issued in the period.
--- */
WITH
counted AS (
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY issue_date, invoice_id
