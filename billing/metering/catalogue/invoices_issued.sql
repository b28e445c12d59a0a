/* ---
title: Invoices issued
kind: count
datasets: [invoices]
by: channel
definition: >
  Invoices whose issue date lies in the period. With a channel behind the name, as in
  invoices_issued/email, only those issued by that channel.
source: The contract language, section "Charges"
drill_down: Invoices issued in the period.
--- */
WITH
counted AS (
  SELECT invoice_id, customer_id, issue_date, due_date, amount, channel
  FROM invoices
  WHERE
    issue_date BETWEEN $period_start AND $period_end
    AND ($part = '' OR replace(lower(channel), ' ', '_') = $part)
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY issue_date, invoice_id
