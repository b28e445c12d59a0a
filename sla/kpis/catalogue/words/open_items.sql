-- What raises a claim after it was issued (debit notes), so that none passes for paid that was
-- raised after its payment.
raised AS (
  SELECT invoice_id, -sum(amount) AS raised
  FROM adjustments
  WHERE kind = 'debit_note'
  GROUP BY invoice_id
),
-- The invoices that can have been open before the window or at its end. One that a single
-- allocation had paid in full before the window was open at neither; most invoices are paid so,
-- and leaving them out first saves up to a third of the work. It changes no figure.
unsettled AS (
  SELECT
    invoices.invoice_id,
    invoices.customer_id,
    invoices.issue_date,
    invoices.due_date,
    invoices.amount
  FROM invoices
  LEFT JOIN raised ON raised.invoice_id = invoices.invoice_id
  ANTI JOIN allocations
    ON allocations.invoice_id = invoices.invoice_id
    AND allocations.amount >= invoices.amount + coalesce(raised.raised, 0)
    AND allocations.applied_on < $window_start
    AND invoices.issue_date < $window_start
  WHERE invoices.issue_date <= $period_end
),
-- What had come off each of them by the end of the period, and before the window began; an
-- adjustment that raises the claim is an amount below zero.
settled AS (
  SELECT
    invoice_id,
    sum(amount) AS settled,
    sum(CASE WHEN settled_on < $window_start THEN amount ELSE 0 END) AS settled_before
  FROM (
    SELECT invoice_id, applied_on AS settled_on, amount FROM allocations
    UNION ALL
    SELECT invoice_id, effective_on AS settled_on, amount FROM adjustments
  ) AS settlements
  WHERE settled_on <= $period_end AND invoice_id IN (SELECT invoice_id FROM unsettled)
  GROUP BY invoice_id
),
-- What is open on them at the end of the period, and what was on the day before the window. Open
-- is never below zero: what is allocated beyond the invoice's amount is unapplied cash and lowers
-- no other invoice.
open_items AS (
  SELECT
    unsettled.*,
    coalesce(issue_date + CAST($current_days AS INTEGER), due_date) AS current_until,
    greatest(amount - coalesce(settled.settled, 0), 0) AS open_amount,
    CASE
      WHEN issue_date < $window_start
        THEN greatest(amount - coalesce(settled.settled_before, 0), 0)
      ELSE 0
    END AS opening_amount
  FROM unsettled
  LEFT JOIN settled ON settled.invoice_id = unsettled.invoice_id
),
