/* ---
title: Customer satisfaction
unit: "%"
direction: higher_is_better
function: satisfaction
datasets:
  required: [surveys]
definition: >
  Mean over the answers of the period of score / scale × 100, each answer counting once. There
  may be answers on two scales, such as 5 and 10; with more there is no data, since one figure
  over many scales says little. An answer without a scale (0) isn't counted.
source: Common practice
drill_down: >
  Answers of the period (numerator: score, denominator: scale; with two scales both times the
  other scale, so that each answer weighs the same).
--- */
WITH
answers AS (
  SELECT response_id, customer_id, answered_on, score, scale_max
  FROM surveys
  WHERE answered_on BETWEEN $period_start AND $period_end AND scale_max > 0
),
scales AS (
  SELECT
    min(scale_max) AS smaller,
    max(scale_max) AS larger,
    count(DISTINCT scale_max) AS different
  FROM answers
),
weighed AS (
  SELECT
    answers.*,
    different,
    CAST(
      CASE
        WHEN different = 1 THEN 1
        WHEN scale_max = smaller THEN larger
        ELSE smaller
      END AS DECIMAL(12, 4)
    ) AS weight
  FROM answers
  CROSS JOIN scales
),
contributions AS (
  SELECT
    response_id, customer_id, answered_on, score, scale_max,
    score * weight AS numerator,
    scale_max * weight AS denominator,
    different
  FROM weighed
)
-- figure
SELECT
  CASE WHEN max(different) <= 2 THEN sum(numerator) END AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT response_id, customer_id, answered_on, score, scale_max, numerator, denominator
FROM contributions
ORDER BY response_id
