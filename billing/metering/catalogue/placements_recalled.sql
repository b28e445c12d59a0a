/* ---
title: Placed debts recalled
kind: amounts
datasets: [placements, invoices, allocations]
optional: [adjustments]
day: recalled_on
definition: >
  Debts that the client took back in the period, each as what was open on it then, with its age on
  the day of its placement: the invoice less all allocations and adjustments up to the day of the
  recall, but no more than was placed and never below 0. A debt placed before it was due has the
  age 0.
source: The contract language, section "Charges", contingency with a recall rate
drill_down: Debts recalled in the period, with what was open on them.
--- */
WITH
recalled AS (
  SELECT invoice_id, placed_on, max(recalled_on) AS recalled_on, max(amount) AS placed_amount
  FROM placements
  WHERE recalled_on IS NOT NULL
  GROUP BY invoice_id, placed_on
),
counted AS (
  SELECT
    recalled.invoice_id,
    recalled.placed_on,
    recalled.recalled_on,
    recalled.placed_amount,
    invoices.due_date,
    invoices.amount AS invoiced
  FROM recalled
  LEFT JOIN invoices ON invoices.invoice_id = recalled.invoice_id
  WHERE recalled.recalled_on BETWEEN $period_start AND $period_end
),
lowered AS (
  SELECT invoice_id, applied_on AS lowered_on, amount FROM allocations
  UNION ALL
  SELECT invoice_id, effective_on AS lowered_on, amount FROM adjustments
),
settled AS (
  SELECT counted.invoice_id, counted.placed_on, sum(lowered.amount) AS amount
  FROM counted
  JOIN lowered ON lowered.invoice_id = counted.invoice_id
  WHERE lowered.lowered_on <= counted.recalled_on
  GROUP BY counted.invoice_id, counted.placed_on
),
debts AS (
  SELECT
    counted.invoice_id,
    counted.placed_on,
    counted.recalled_on,
    counted.due_date,
    counted.placed_amount,
    CASE
      WHEN counted.placed_on <= counted.due_date THEN 0
      ELSE date_diff('day', counted.due_date, counted.placed_on)
    END AS age_days,
    CAST(
      greatest(
        least(
          counted.placed_amount,
          coalesce(counted.invoiced, counted.placed_amount) - coalesce(settled.amount, 0)
        ),
        0
      ) AS DECIMAL(18, 4)
    ) AS amount
  FROM counted
  LEFT JOIN settled
    ON settled.invoice_id = counted.invoice_id AND settled.placed_on = counted.placed_on
)
-- figure
SELECT amount, age_days, count(*) AS ledger_rows
FROM debts
GROUP BY recalled_on, amount, age_days
ORDER BY recalled_on, age_days, amount
-- drill-down
SELECT * FROM debts ORDER BY recalled_on, invoice_id, placed_on
