-- Sales and open items by month of issue. A month that the period begins in is split there, so
-- that a bucket lies wholly inside the sales that are counted or wholly outside.
sales_by_month AS (
  SELECT
    CAST(date_trunc('month', issue_date) AS DATE) AS month,
    issue_date >= $period_start AS in_period,
    min(issue_date) AS first_issue,
    sum(amount) AS sales,
    count(*) AS invoices
  FROM invoices
  WHERE issue_date <= $period_end
  GROUP BY 1, 2
),
open_by_month AS (
  SELECT
    CAST(date_trunc('month', issue_date) AS DATE) AS month,
    issue_date >= $period_start AS in_period,
    sum(open_amount) AS receivable,
    sum(CASE WHEN current_until >= $period_end THEN open_amount ELSE 0 END) AS current_receivable,
    sum(CASE WHEN open_amount > 0 THEN 1 ELSE 0 END) AS open_invoices,
    sum(CASE WHEN open_amount > 0 AND current_until >= $period_end THEN 1 ELSE 0 END)
      AS current_invoices
  FROM open_items
  GROUP BY 1, 2
),
ledger_by_month AS (
  SELECT
    sales_by_month.month,
    sales_by_month.first_issue,
    sales_by_month.sales,
    sales_by_month.invoices,
    coalesce(open_by_month.receivable, 0) AS receivable,
    coalesce(open_by_month.current_receivable, 0) AS current_receivable,
    coalesce(open_by_month.open_invoices, 0) AS open_invoices,
    coalesce(open_by_month.current_invoices, 0) AS current_invoices
  FROM sales_by_month
  LEFT JOIN open_by_month
    ON open_by_month.month = sales_by_month.month
    AND open_by_month.in_period = sales_by_month.in_period
),
receivables AS (
  SELECT 'all' AS items, sum(receivable) AS receivable FROM ledger_by_month
  UNION ALL
  SELECT 'current' AS items, sum(current_receivable) AS receivable FROM ledger_by_month
),
-- Sales of each month, and of it and all later ones together.
sales_back AS (
  SELECT month, sum(sales) AS sales, sum(sum(sales)) OVER (ORDER BY month DESC) AS sales_since
  FROM ledger_by_month
  GROUP BY month
),
-- The newest month from which on sales cover the receivable: the count-back ends in it.
last_month AS (
  SELECT receivables.items, receivables.receivable, max(sales_back.month) AS month
  FROM receivables
  JOIN sales_back ON sales_back.sales_since >= receivables.receivable AND sales_back.sales > 0
  GROUP BY receivables.items, receivables.receivable
),
-- The count-back: whole months, and the last one in proportion to its sales. Months without
-- sales lie between others and count whole.
countback AS (
  SELECT
    last_month.items,
    last_month.receivable,
    last_month.month AS sales_from,
    CASE
      WHEN last_month.receivable = 0 THEN 0
      WHEN $days = '30' THEN 30 * date_diff('month', last_month.month, $period_end)
      ELSE date_diff('day', least(last_day(last_month.month), $period_end), $period_end)
    END AS whole_days,
    last_month.receivable - (sales_back.sales_since - sales_back.sales) AS rest,
    sales_back.sales AS rest_of,
    CASE
      WHEN $days = '30' THEN 30
      ELSE extract(DAY FROM least(last_day(last_month.month), $period_end))
    END AS days
  FROM last_month
  JOIN sales_back ON sales_back.month = last_month.month
),
-- The variants period_end and rolling have no whole months: receivable / sales × days.
counted AS (
  SELECT * FROM countback WHERE $variant = 'countback'
  UNION ALL
  SELECT
    items,
    receivable,
    CASE $variant WHEN 'rolling' THEN $months_start ELSE $period_start END AS sales_from,
    0 AS whole_days,
    NULL AS rest,
    NULL AS rest_of,
    CASE
      WHEN $variant = 'rolling' AND $days = '30' THEN 30 * $months
      WHEN $variant = 'rolling' THEN $months_days
      WHEN $days = '30' THEN 30 * $period_months
      ELSE $period_days
    END AS days
  FROM receivables
  WHERE $variant <> 'countback'
),
-- With the sales that the days are counted over, and the invoices behind both figures.
days_sales AS (
  SELECT
    counted.items,
    counted.receivable,
    counted.sales_from,
    counted.whole_days,
    counted.rest,
    counted.rest_of,
    counted.days,
    sum(CASE WHEN first_issue >= sales_from THEN ledger_by_month.sales ELSE 0 END) AS sales,
    sum(CASE WHEN first_issue >= sales_from THEN invoices ELSE open_invoices END) AS open_rows,
    sum(CASE WHEN first_issue >= sales_from THEN invoices ELSE current_invoices END)
      AS current_rows,
    sum(
      CASE
        WHEN first_issue >= sales_from THEN invoices
        ELSE open_invoices - current_invoices
      END
    ) AS past_due_rows
  FROM counted
  CROSS JOIN ledger_by_month
  GROUP BY ALL
),
