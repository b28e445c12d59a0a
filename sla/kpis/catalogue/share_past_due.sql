/* ---
title: Share of the receivable past due
unit: "%"
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
  Of the receivable at the end of the period, the share that is past due.
source: Common practice, from the ageing of the receivable
drill_down: >
  Invoices open at the end of the period (denominator: open amount; numerator: the same where it
  is more than 0 days past due).
--- */
WITH
-- words: open_items
contributions AS (
  SELECT
    invoice_id, customer_id, issue_date, due_date, amount,
    CASE
      WHEN date_diff('day', current_until, $period_end) > 0 THEN open_amount
      ELSE 0
    END AS numerator,
    open_amount AS denominator
  FROM open_items
  WHERE open_amount > 0
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
