/* ---
title: Dispute rate
unit: "%"
direction: lower_is_better
function: disputes
datasets:
  required: [invoices, disputes]
  optional: [allocations, adjustments]
parameters:
  weight:
    type: choice
    choices: [amount, count]
    default: amount
    meaning: Whether an invoice weighs by its amount or counts once.
  cohort:
    type: choice
    choices: [issued, paid]
    default: issued
    meaning: Which invoices are judged, those issued in the period or those fully paid in it.
definition: >
  Of the invoices issued in the period, the share that was disputed, at any time that the evidence
  covers. An invoice disputed several times counts once, with its whole amount.
source: Common practice
drill_down: >
  The invoices that are judged (denominator: weight; numerator: weight where disputed).
--- */
WITH
-- words: payments
-- words: fully_paid
judged AS (
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM invoices
  WHERE $cohort = 'issued' AND issue_date BETWEEN $period_start AND $period_end
  UNION ALL
  SELECT invoice_id, customer_id, issue_date, due_date, amount
  FROM fully_paid
  WHERE $cohort = 'paid'
),
disputed AS (
  SELECT DISTINCT invoice_id FROM disputes
),
contributions AS (
  SELECT
    judged.invoice_id,
    judged.customer_id,
    judged.issue_date,
    judged.due_date,
    judged.amount,
    CASE
      WHEN disputed.invoice_id IS NULL THEN 0
      WHEN $weight = 'amount' THEN judged.amount
      ELSE 1
    END AS numerator,
    CASE $weight WHEN 'amount' THEN judged.amount ELSE 1 END AS denominator
  FROM judged
  LEFT JOIN disputed ON disputed.invoice_id = judged.invoice_id
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
