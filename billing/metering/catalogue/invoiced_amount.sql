/* ---
title: Amount invoiced
kind: amounts
datasets: [invoices]
day: issue_date
definition: >
  The amounts of the invoices whose issue date lies in the period. Invoices of one day with the
  same amount are counted together; the age of a new debt is 0.
source: The contract language, section "Charges", percentage of amounts
drill_down: Invoices issued in the period with their amounts.
--- */
WITH
counted AS (
  SELECT invoice_id, customer_id, issue_date, due_date, CAST(0 AS INTEGER) AS age_days, amount
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
)
-- figure
SELECT amount, age_days, count(*) AS ledger_rows
FROM counted
GROUP BY issue_date, amount, age_days
ORDER BY issue_date, amount
-- drill-down
SELECT * FROM counted ORDER BY issue_date, amount, invoice_id
