/* ---
title: Customers served
kind: count
datasets: [invoices]
once_a_period: [customer_id]
definition: >
  Customers to whom at least one invoice was issued in the period. A customer counts once a period,
  however many invoices there were.
source: The contract language, section "Charges"
drill_down: Customers served in the period, with their first and last invoice date.
--- */
WITH
counted AS (
  SELECT
    customer_id,
    min(issue_date) AS first_invoice_on,
    max(issue_date) AS last_invoice_on,
    count(*) AS invoices
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
  GROUP BY customer_id
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY customer_id
