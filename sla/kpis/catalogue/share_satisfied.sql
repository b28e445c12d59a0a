/* ---
title: Share of satisfied customers
unit: "%"
direction: higher_is_better
function: satisfaction
datasets:
  required: [surveys]
parameters:
  at_least:
    type: decimal
    meaning: >
      The score from which an answer is a satisfied one, on the survey's own scale: 4 of 5 is the
      usual one (the two best answers).
definition: >
  Of the answers of the period, the share with a score of at least at_least. Every answer counts
  once, also where a customer answered several times.
source: Common practice, as the share of the best answers (top boxes)
drill_down: Answers of the period (denominator 1; numerator 1 where satisfied).
--- */
WITH
contributions AS (
  SELECT
    response_id, customer_id, answered_on, score, scale_max,
    CASE WHEN score >= $at_least THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
  FROM surveys
  WHERE answered_on BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY response_id
