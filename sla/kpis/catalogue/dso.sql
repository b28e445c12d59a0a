/* ---
title: Days sales outstanding
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
definition: >
  How many days of sales are waiting to be paid: receivable at the end of the period / sales ×
  days. Sales and days are those of the period (period_end) or of the calendar months ending with
  it (rolling). Countback takes off the receivable the sales of the latest months, newest first,
  and adds up their days, the last month in proportion.
source: Credit Research Foundation, standard formulas; count-back as practised in credit management
drill_down: >
  Invoices open at the end of the period (numerator: open amount) and invoices whose sales are
  counted (denominator: amount).
--- */
WITH
-- words: open_items
-- words: days_sales
contributions AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount,
    coalesce(open_items.open_amount, 0) AS numerator,
    CASE WHEN invoices.issue_date >= sales_from THEN invoices.amount ELSE 0 END AS denominator
  FROM invoices
  LEFT JOIN open_items ON open_items.invoice_id = invoices.invoice_id
  JOIN days_sales ON items = 'all'
  WHERE invoices.issue_date <= $period_end
    AND (open_items.open_amount > 0 OR invoices.issue_date >= sales_from)
)
-- figure
SELECT
  receivable AS numerator,
  sales AS denominator,
  open_rows AS ledger_rows,
  whole_days AS whole,
  rest AS part,
  rest_of AS part_of,
  days AS factor
FROM days_sales
WHERE items = 'all'
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
