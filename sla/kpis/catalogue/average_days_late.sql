/* ---
title: Average days late
unit: days
direction: lower_is_better
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
-- An invoice can become fully paid only on a day on which something is paid on it: all others
-- need not be looked at.
paid_on_in_period AS (
  SELECT invoice_id FROM payments WHERE paid_on BETWEEN $period_start AND $period_end
),
paid_by_day AS (
  SELECT invoice_id, paid_on, sum(amount) AS paid
  FROM payments
  WHERE paid_on <= $period_end AND invoice_id IN (SELECT invoice_id FROM paid_on_in_period)
  GROUP BY invoice_id, paid_on
),
paid_so_far AS (
  SELECT
    invoice_id,
    paid_on,
    sum(paid) OVER (PARTITION BY invoice_id ORDER BY paid_on) AS paid
  FROM paid_by_day
),
fully_paid AS (
  SELECT
    invoices.invoice_id, customer_id, issue_date, due_date, amount, min(paid_on) AS paid_on
  FROM paid_so_far
  JOIN invoices ON invoices.invoice_id = paid_so_far.invoice_id
  WHERE paid_so_far.paid >= invoices.amount
  GROUP BY ALL
  HAVING min(paid_on) >= $period_start
),
contributions AS (
  SELECT
    *,
    CASE
      WHEN $early_counts THEN date_diff('day', due_date, paid_on)
      ELSE greatest(date_diff('day', due_date, paid_on), 0)
    END AS days_late,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator,
    denominator * days_late AS numerator
  FROM fully_paid
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
