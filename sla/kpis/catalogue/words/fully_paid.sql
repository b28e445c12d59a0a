-- The invoices fully paid in the period, on the day on which their payments reached the amount.
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
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount,
    min(paid_so_far.paid_on) AS paid_on
  FROM paid_so_far
  JOIN invoices ON invoices.invoice_id = paid_so_far.invoice_id
  WHERE paid_so_far.paid >= invoices.amount
  GROUP BY
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount
  HAVING min(paid_so_far.paid_on) >= $period_start
),
