/* ---
title: Average days late
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
  early_counts:
    type: boolean
    default: false
    meaning: Whether days paid early count as negative; else they count as 0.
  late_only:
    type: boolean
    default: false
    meaning: >
      Whether the mean is over the invoices paid late alone; else those paid on time lower it.
definition: >
  Over the invoices fully paid in the period: mean of the days from due date to full payment, 0
  for those paid on time. An invoice is fully paid on the day on which allocations, credit notes
  and discounts reach its amount; a write-off pays nothing.
source: Common practice
drill_down: >
  Invoices fully paid in the period (denominator: weight; numerator: weight × days late).
--- */
WITH
-- words: payments
-- words: fully_paid
counted AS (
  SELECT
    *,
    CASE
      WHEN $early_counts THEN date_diff('day', due_date, paid_on)
      ELSE greatest(date_diff('day', due_date, paid_on), 0)
    END AS days_late,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator
  FROM fully_paid
  WHERE paid_on > due_date OR NOT $late_only
),
contributions AS (
  SELECT
    invoice_id, customer_id, issue_date, due_date, amount, paid_on, days_late,
    denominator * days_late AS numerator,
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
