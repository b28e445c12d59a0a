/* ---
title: Automatic match rate
unit: "%"
direction: higher_is_better
function: cash_application
datasets:
  required: [allocations]
parameters:
  weight:
    type: choice
    choices: [amount, count]
    default: amount
    meaning: Whether an allocation weighs by its amount or counts once.
definition: >
  Of the allocations applied in the period, the share that was matched automatically. An
  allocation that doesn't say how it was matched counts as not automatic; where none of the period
  says so there is no data.
source: Common practice, as the hit rate of automatic cash application
drill_down: >
  Allocations of the period (denominator: weight; numerator: weight where matched automatically).
--- */
WITH
contributions AS (
  SELECT
    receipt_id, invoice_id, applied_on, amount, matched_by,
    CASE
      WHEN matched_by IS NULL OR matched_by <> 'auto' THEN 0
      WHEN $weight = 'amount' THEN amount
      ELSE 1
    END AS numerator,
    CASE $weight WHEN 'amount' THEN amount ELSE 1 END AS denominator
  FROM allocations
  WHERE applied_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  CASE WHEN count(matched_by) > 0 THEN sum(numerator) END AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY applied_on, receipt_id, invoice_id, amount, matched_by
