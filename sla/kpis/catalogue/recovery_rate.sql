/* ---
title: Recovery rate
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [placements, allocations]
parameters:
  cohort:
    type: choice
    choices: [to_date, period]
    default: to_date
    meaning: >
      Which items count: all placed up to the end of the period, or those placed in it. Either
      way with what was collected on them up to the end of the period.
definition: >
  Of what was placed for collection, the share collected: allocations to the placed items from the
  day of placement to the end of the period / amounts placed × 100. What was paid before the
  placement isn't recovered, and more than was placed never counts. An item placed several times
  counts once, from its first placement, with the largest amount placed.
source: Common practice of collection agencies, as the recovery (liquidation) rate of a batch
drill_down: >
  Items placed (denominator: amount placed; numerator: collected on them, at most that amount).
--- */
WITH
placed AS (
  SELECT invoice_id, min(placed_on) AS placed_on, max(amount) AS placed_amount
  FROM placements
  WHERE placed_on <= $period_end
  GROUP BY invoice_id
),
counted AS (
  SELECT invoice_id, placed_on, placed_amount
  FROM placed
  WHERE $cohort = 'to_date' OR placed_on >= $period_start
),
collected AS (
  SELECT counted.invoice_id, sum(allocations.amount) AS collected
  FROM counted
  JOIN allocations ON allocations.invoice_id = counted.invoice_id
  WHERE allocations.applied_on >= counted.placed_on AND allocations.applied_on <= $period_end
  GROUP BY counted.invoice_id
),
contributions AS (
  SELECT
    counted.invoice_id,
    counted.placed_on,
    coalesce(collected.collected, 0) AS collected,
    least(coalesce(collected.collected, 0), counted.placed_amount) AS numerator,
    counted.placed_amount AS denominator
  FROM counted
  LEFT JOIN collected ON collected.invoice_id = counted.invoice_id
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
