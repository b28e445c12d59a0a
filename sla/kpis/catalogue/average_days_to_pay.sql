/* ---
title: Average days to pay
unit: days
direction: lower_is_better
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
definition: >
  Over the invoices fully paid in the period: mean of the days from issue to full payment. An
  invoice is fully paid on the day on which allocations, credit notes and discounts reach its
  amount; a write-off pays nothing.
source: Common practice
drill_down: >
  Invoices fully paid in the period (denominator: weight; numerator: weight × days to pay).
--- */
WITH
-- words: payments
-- words: fully_paid
counted AS (
  SELECT
    *,
    date_diff('day', issue_date, paid_on) AS days_to_pay,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator
  FROM fully_paid
),
contributions AS (
  SELECT
    invoice_id, customer_id, issue_date, due_date, amount, paid_on, days_to_pay,
    denominator * days_to_pay AS numerator,
    denominator
  FROM counted
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
