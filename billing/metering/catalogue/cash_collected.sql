/* ---
title: Cash collected
kind: amounts
datasets: [allocations, invoices]
day: applied_on
definition: >
  Allocations applied in the period, as amounts with the age of the debt: days from the invoice's
  due date to the day on which the allocation was applied, 0 for a debt paid before it was due.
  Allocations of one day with the same amount and age are counted together; the days follow one
  another as the cash came in.
source: The contract language, section "Charges"
drill_down: Allocations applied in the period with the age of the debt.
--- */
WITH
collected AS (
  SELECT
    allocations.receipt_id,
    allocations.invoice_id,
    allocations.applied_on,
    invoices.due_date,
    CASE
      WHEN allocations.applied_on <= invoices.due_date THEN 0
      ELSE date_diff('day', invoices.due_date, allocations.applied_on)
    END AS age_days,
    allocations.amount
  FROM allocations
  LEFT JOIN invoices ON invoices.invoice_id = allocations.invoice_id
  WHERE allocations.applied_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT amount, age_days, count(*) AS ledger_rows
FROM collected
GROUP BY applied_on, amount, age_days
ORDER BY applied_on, age_days, amount
-- drill-down
SELECT * FROM collected ORDER BY applied_on, receipt_id, invoice_id, amount
