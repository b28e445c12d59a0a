/* ---
title: Ageing of the receivable
unit: currency
direction: lower_is_better
function: collections
datasets:
  required: [invoices]
  optional: [allocations, adjustments]
parameters:
  current:
    type: choice_or_days
    choices: [not_due]
    default: not_due
    meaning: >
      An item is current while it is not due; with {days: 30} until 30 days after issue. What is
      not current is past due.
definition: >
  The receivable at the end of the period by days past due: current, 1–30, 31–60, 61–90, 91 and
  more. The buckets add up to the receivable.
source: Common practice; buckets as stated in the definition
drill_down: Invoices open at the end of the period with their bucket (numerator, open amount).
--- */
WITH
-- words: open_items
aged AS (
  SELECT *, date_diff('day', current_until, $period_end) AS days_past_due FROM open_items
)
-- figure
SELECT
  -- Where invoices were issued and all of them are paid, nothing open is a zero, not no data.
  CASE
    WHEN EXISTS (SELECT 1 FROM invoices WHERE issue_date <= $period_end)
      THEN coalesce(sum(open_amount), 0)
  END AS numerator,
  sum(CASE WHEN open_amount > 0 THEN 1 ELSE 0 END) AS ledger_rows,
  sum(CASE WHEN days_past_due <= 0 THEN open_amount ELSE 0 END) AS "values.current",
  sum(CASE WHEN days_past_due BETWEEN 1 AND 30 THEN open_amount ELSE 0 END) AS "values.1-30",
  sum(CASE WHEN days_past_due BETWEEN 31 AND 60 THEN open_amount ELSE 0 END) AS "values.31-60",
  sum(CASE WHEN days_past_due BETWEEN 61 AND 90 THEN open_amount ELSE 0 END) AS "values.61-90",
  sum(CASE WHEN days_past_due > 90 THEN open_amount ELSE 0 END) AS "values.91+"
FROM aged
-- drill-down
SELECT
  invoice_id, customer_id, issue_date, due_date, amount,
  greatest(days_past_due, 0) AS days_past_due,
  CASE
    WHEN days_past_due <= 0 THEN 'current'
    WHEN days_past_due <= 30 THEN '1-30'
    WHEN days_past_due <= 60 THEN '31-60'
    WHEN days_past_due <= 90 THEN '61-90'
    ELSE '91+'
  END AS bucket,
  open_amount AS numerator
FROM aged
WHERE open_amount > 0
ORDER BY invoice_id
