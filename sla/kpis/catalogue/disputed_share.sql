/* ---
title: Disputed share of the receivable
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
    meaning: Whether an open invoice weighs by its open amount or counts once.
  extent:
    type: choice
    choices: [whole_item, disputed_amount]
    default: whole_item
    meaning: >
      By amount: whether all that is open on a disputed invoice counts as disputed, or only what
      its open disputes name, at most what is open. A dispute without an amount is over the whole.
definition: >
  Of the receivable at the end of the period, the share on which a dispute is open: opened on or
  before that day, and not resolved by its end.
source: Common practice, from the ageing of the receivable
drill_down: >
  Invoices open at the end of the period (denominator: weight; numerator: weight as far as it is
  disputed).
--- */
WITH
-- words: open_items
open_disputes AS (
  SELECT
    invoice_id,
    sum(amount) AS disputed_amount,
    max(CASE WHEN amount IS NULL THEN 1 ELSE 0 END) AS over_the_whole
  FROM disputes
  WHERE CAST(opened_at AS DATE) <= $period_end
    AND (resolved_at IS NULL OR CAST(resolved_at AS DATE) > $period_end)
  GROUP BY invoice_id
),
contributions AS (
  SELECT
    open_items.invoice_id,
    open_items.customer_id,
    open_items.issue_date,
    open_items.due_date,
    open_items.amount,
    open_items.open_amount,
    CASE
      WHEN open_disputes.invoice_id IS NULL THEN 0
      WHEN $weight = 'count' THEN 1
      WHEN $extent = 'whole_item' OR over_the_whole = 1 THEN open_items.open_amount
      ELSE least(open_disputes.disputed_amount, open_items.open_amount)
    END AS numerator,
    CASE $weight WHEN 'amount' THEN open_items.open_amount ELSE 1 END AS denominator
  FROM open_items
  LEFT JOIN open_disputes ON open_disputes.invoice_id = open_items.invoice_id
  WHERE open_items.open_amount > 0
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
