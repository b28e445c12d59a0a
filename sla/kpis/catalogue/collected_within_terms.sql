/* ---
title: Collected within terms
unit: "%"
direction: higher_is_better
datasets:
  required: [invoices, allocations]
  optional: [adjustments]
parameters:
  weight:
    type: choice
    choices: [amount, count]
    default: amount
    meaning: Whether an invoice weighs by its amount or counts once.
definition: >
  Of the invoices due in the period, the share that was fully paid by the due date. Credit notes
  and discounts lower what is to be paid, a write-off doesn't.
source: Common practice
drill_down: >
  Invoices due in the period (denominator: weight; numerator: weight where fully paid by the due
  date).
--- */
WITH
-- words: payments
due_invoices AS (
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM invoices
  WHERE due_date BETWEEN $period_start AND $period_end
),
paid_by_due_date AS (
  SELECT payments.invoice_id, sum(payments.amount) AS paid
  FROM payments
  JOIN due_invoices ON due_invoices.invoice_id = payments.invoice_id
  WHERE payments.paid_on <= due_invoices.due_date AND payments.paid_on <= $period_end
  GROUP BY payments.invoice_id
),
contributions AS (
  SELECT
    due_invoices.*,
    coalesce(paid_by_due_date.paid, 0) AS paid_by_due_date,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator,
    CASE WHEN coalesce(paid_by_due_date.paid, 0) >= amount THEN denominator ELSE 0 END AS numerator
  FROM due_invoices
  LEFT JOIN paid_by_due_date ON paid_by_due_date.invoice_id = due_invoices.invoice_id
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
