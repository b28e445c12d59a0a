/* ---
title: Collection effectiveness index
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [invoices]
  optional: [allocations, adjustments]
window: months
parameters:
  months:
    type: integer
    minimum: 1
    maximum: 120
    default: "1"
    meaning: >
      Calendar months of the window, ending with the period. A longer period is measured whole.
  divide_sales:
    type: boolean
    default: false
    meaning: Whether sales are divided by the months of the window (the CRF form).
  current:
    type: choice_or_days
    choices: [not_due]
    default: not_due
    meaning: >
      An item is current while it is not due; with {days: 30} until 30 days after issue. What is
      not current is past due.
definition: >
  Of what could have been collected in the window, the share that was: (opening receivable +
  sales / N − closing receivable) / (opening receivable + sales / N − closing current receivable)
  × 100. N is the number of months in the window where divide_sales is true, else 1.
source: Credit Research Foundation, standard formulas
drill_down: >
  Invoices open before or at the end of the window, or issued in it. Each contributes N × opening
  + sales − N × closing (numerator) and N × opening + sales − N × current closing (denominator);
  the sums divided by N are the figures.
--- */
WITH
-- words: open_items
contributions AS (
  SELECT
    invoice_id, customer_id, issue_date, due_date, amount, opening_amount, open_amount,
    CASE WHEN issue_date >= $window_start THEN amount ELSE 0 END AS sales,
    CASE WHEN current_until >= $period_end THEN open_amount ELSE 0 END AS current_amount,
    CASE WHEN $divide_sales THEN $window_months ELSE 1 END AS n,
    n * opening_amount + sales - n * open_amount AS numerator,
    n * opening_amount + sales - n * current_amount AS denominator
  FROM open_items
  WHERE opening_amount > 0 OR open_amount > 0 OR issue_date >= $window_start
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  max(n) AS numerator_divisor,
  max(n) AS denominator_divisor,
  100 AS factor
FROM contributions
-- drill-down
SELECT * EXCLUDE (n) FROM contributions ORDER BY invoice_id
