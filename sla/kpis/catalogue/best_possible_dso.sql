/* ---
title: Best possible days sales outstanding
unit: days
direction: lower_is_better
function: collections
datasets:
  required: [invoices]
  optional: [allocations, adjustments]
parameters:
  variant:
    type: choice
    choices: [period_end, rolling, countback]
    default: period_end
    meaning: >
      period_end divides by the sales of the period, rolling by those of the calendar months
      ending with it, countback counts the latest months whose sales the receivable covers.
  months:
    type: integer
    minimum: 1
    maximum: 120
    default: "3"
    meaning: Calendar months of the rolling variant, ending with the period.
  days:
    type: choice
    choices: [actual, "30"]
    default: actual
    meaning: Calendar days, or 30 days a month.
  current:
    type: choice_or_days
    choices: [not_due]
    default: not_due
    meaning: >
      An item is current while it is not due; with {days: 30} until 30 days after issue. What is
      not current is past due.
definition: >
  Days sales outstanding if everybody paid when due: as dso, with the current receivable alone.
source: Credit Research Foundation, standard formulas
drill_down: >
  Current invoices open at the end of the period (numerator: open amount) and invoices whose sales
  are counted (denominator: amount).
--- */
WITH
-- words: open_items
-- words: days_sales
current_items AS (
  SELECT
    *,
    CASE WHEN current_until >= $period_end THEN open_amount ELSE 0 END AS current_amount
  FROM open_items
),
contributions AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount,
    coalesce(current_items.current_amount, 0) AS numerator,
    CASE WHEN invoices.issue_date >= sales_from THEN invoices.amount ELSE 0 END AS denominator
  FROM invoices
  LEFT JOIN current_items ON current_items.invoice_id = invoices.invoice_id
  JOIN days_sales ON items = 'current'
  WHERE invoices.issue_date <= $period_end
    AND (current_items.current_amount > 0 OR invoices.issue_date >= sales_from)
)
-- figure
SELECT
  receivable AS numerator,
  sales AS denominator,
  current_rows AS ledger_rows,
  whole_days AS whole,
  rest AS part,
  rest_of AS part_of,
  days AS factor
FROM days_sales
WHERE items = 'current'
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
