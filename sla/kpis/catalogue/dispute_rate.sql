/* ---
title: Dispute rate
unit: "%"
direction: lower_is_better
datasets:
  required: [invoices, disputes]
parameters:
  weight:
    type: choice
    choices: [amount, count]
    default: amount
    meaning: Whether an invoice weighs by its amount or counts once.
definition: >
  Of the invoices issued in the period, the share that was disputed, at any time that the evidence
  covers. An invoice disputed several times counts once, with its whole amount.
source: Common practice
drill_down: >
  Invoices issued in the period (denominator: weight; numerator: weight where disputed).
--- */
WITH
contributions AS (
  SELECT
    invoice_id, customer_id, issue_date, due_date, amount,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator,
    CASE
      WHEN invoice_id IN (SELECT invoice_id FROM disputes) THEN denominator
      ELSE 0
    END AS numerator
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
