-- What had come off each invoice by the end of the period, and before the window began.
settled AS (
  SELECT
    invoice_id,
    sum(amount) AS settled,
    sum(CASE WHEN settled_on < $window_start THEN amount ELSE 0 END) AS settled_before
  FROM (
    SELECT invoice_id, applied_on AS settled_on, amount FROM allocations
    UNION ALL
    SELECT invoice_id, effective_on, amount FROM adjustments
  ) AS settlements
  WHERE settled_on <= $period_end
  GROUP BY invoice_id
),
-- Every invoice issued by the end of the period, with what is open on it then and what was open
-- on the day before the window began. Open is never below zero: what is allocated beyond the
-- invoice's amount is unapplied cash and lowers no other invoice.
open_items AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount,
    coalesce(invoices.issue_date + CAST($current_days AS INTEGER), invoices.due_date)
      AS current_until,
    greatest(invoices.amount - coalesce(settled.settled, 0), 0) AS open_amount,
    CASE
      WHEN invoices.issue_date < $window_start
        THEN greatest(invoices.amount - coalesce(settled.settled_before, 0), 0)
      ELSE 0
    END AS opening_amount
  FROM invoices
  LEFT JOIN settled ON settled.invoice_id = invoices.invoice_id
  WHERE invoices.issue_date <= $period_end
),
