/* ---
title: Average days delinquent
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
  Days of sales that are waiting because customers pay late: dso − best_possible_dso, both of the
  same variant.
source: Credit Research Foundation, standard formulas
drill_down: >
  Past-due invoices open at the end of the period (numerator: open amount) and invoices whose
  sales are counted (denominator: amount).
--- */
WITH
-- words: open_items
-- words: days_sales
past_due_items AS (
  SELECT
    *,
    CASE WHEN current_until >= $period_end THEN 0 ELSE open_amount END AS past_due_amount
  FROM open_items
),
contributions AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount,
    coalesce(past_due_items.past_due_amount, 0) AS numerator,
    CASE WHEN invoices.issue_date >= sales_from THEN invoices.amount ELSE 0 END AS denominator
  FROM invoices
  LEFT JOIN past_due_items ON past_due_items.invoice_id = invoices.invoice_id
  JOIN days_sales ON items = 'all'
  WHERE invoices.issue_date <= $period_end
    AND (past_due_items.past_due_amount > 0 OR invoices.issue_date >= sales_from)
)
-- figure
SELECT
  every.receivable - currents.receivable AS numerator,
  every.sales AS denominator,
  every.past_due_rows AS ledger_rows,
  every.whole_days - currents.whole_days AS whole,
  every.rest AS part,
  every.rest_of AS part_of,
  every.days AS factor,
  currents.rest AS less_part,
  currents.rest_of AS less_part_of,
  currents.days AS less_factor
FROM days_sales AS every
JOIN days_sales AS currents ON currents.items = 'current'
WHERE every.items = 'all'
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
