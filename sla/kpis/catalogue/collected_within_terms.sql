/* ---
title: Collected within terms
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [invoices, allocations]
  optional: [adjustments]
parameters:
  weight:
    type: choice
    choices: [amount, count]
    default: amount
    meaning: Whether an invoice weighs by its amount or counts once.
  cohort:
    type: choice
    choices: [due, paid]
    default: due
    meaning: >
      Which invoices are judged: those that fell due in the period, also where they are still
      open, or those that were fully paid in it, whenever they were due.
definition: >
  Of the invoices due in the period, the share that was fully paid by the due date. Credit notes
  and discounts lower what is to be paid, a write-off doesn't.
source: Common practice
drill_down: >
  The invoices that are judged (denominator: weight; numerator: weight where fully paid by the due
  date).
--- */
WITH
-- words: payments
-- words: fully_paid
judged AS (
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM invoices
  WHERE $cohort = 'due' AND due_date BETWEEN $period_start AND $period_end
  UNION ALL
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM fully_paid
  WHERE $cohort = 'paid'
),
paid_by_due_date AS (
  SELECT payments.invoice_id, sum(payments.amount) AS paid
  FROM payments
  JOIN judged ON judged.invoice_id = payments.invoice_id
  WHERE payments.paid_on <= judged.due_date AND payments.paid_on <= $period_end
  GROUP BY payments.invoice_id
),
contributions AS (
  SELECT
    judged.invoice_id,
    judged.customer_id,
    judged.issue_date,
    judged.due_date,
    judged.amount,
    coalesce(paid_by_due_date.paid, 0) AS paid_by_due_date,
    CASE
      WHEN coalesce(paid_by_due_date.paid, 0) < judged.amount THEN 0
      WHEN $weight = 'amount' THEN judged.amount
      ELSE 1
    END AS numerator,
    CASE $weight WHEN 'amount' THEN judged.amount ELSE 1 END AS denominator
  FROM judged
  LEFT JOIN paid_by_due_date ON paid_by_due_date.invoice_id = judged.invoice_id
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
