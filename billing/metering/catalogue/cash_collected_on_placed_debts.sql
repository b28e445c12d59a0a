/* ---
title: Cash collected on placed debts
kind: amounts
datasets: [allocations, invoices, placements]
day: applied_on
definition: >
  Allocations applied in the period to debts in the provider's hands, as amounts with the age of
  the debt on the day of its placement: days from the invoice's due date to that day, 0 for a debt
  placed before it was due. A debt is in the provider's hands from its placement to its recall, both
  days included; of several placements the last one before the payment counts. Allocations of one
  day with the same amount and age are counted together.
source: The contract language, section "Charges", contingency with the age at placement
drill_down: Allocations applied in the period to placed debts, with the age at placement.
--- */
WITH
placed AS (
  SELECT invoice_id, placed_on, max(recalled_on) AS recalled_on
  FROM placements
  GROUP BY invoice_id, placed_on
),
held AS (
  SELECT
    invoice_id,
    placed_on,
    recalled_on,
    lead(placed_on) OVER (PARTITION BY invoice_id ORDER BY placed_on) AS placed_again_on
  FROM placed
),
collected AS (
  SELECT
    allocations.receipt_id,
    allocations.invoice_id,
    allocations.applied_on,
    held.placed_on,
    invoices.due_date,
    CASE
      WHEN held.placed_on <= invoices.due_date THEN 0
      ELSE date_diff('day', invoices.due_date, held.placed_on)
    END AS age_days,
    allocations.amount
  FROM allocations
  JOIN held ON held.invoice_id = allocations.invoice_id
  LEFT JOIN invoices ON invoices.invoice_id = allocations.invoice_id
  WHERE
    allocations.applied_on BETWEEN $period_start AND $period_end
    AND allocations.applied_on >= held.placed_on
    AND (held.recalled_on IS NULL OR allocations.applied_on <= held.recalled_on)
    AND (held.placed_again_on IS NULL OR allocations.applied_on < held.placed_again_on)
)
-- figure
SELECT amount, age_days, count(*) AS ledger_rows
FROM collected
GROUP BY applied_on, amount, age_days
ORDER BY applied_on, age_days, amount
-- drill-down
SELECT * FROM collected ORDER BY applied_on, receipt_id, invoice_id, amount
