/* ---
title: Fill rate
unit: "%"
direction: higher_is_better
function: people
datasets:
  required: [resources]
parameters:
  positions:
    type: decimal
    minimum: 0
    meaning: Full-time equivalents that were agreed, such as 12 or 7.5.
  role:
    type: text
    default: any
    meaning: The role that the positions are of; any counts all roles.
definition: >
  Positions filled / positions agreed × 100, as the mean over the days of the period. On each day
  the full-time equivalents of the people there count, their first and last days included, at most
  as many as were agreed: more people on one day don't make up for fewer on another. A period
  that the evidence reaches, but in which nobody was there, is a zero.
source: Common practice in staffing, as the share of positions that are filled
drill_down: >
  Spans of days with the same staff (denominator: days × positions agreed; numerator: days ×
  positions filled).
--- */
WITH
staff AS (
  SELECT person_id, "from" AS starts_on, coalesce("to", $period_end) AS ends_on, fte
  FROM resources
  WHERE $role = 'any' OR role = $role
),
-- The days on which the staff can have changed.
changes AS (
  SELECT CAST($period_start AS DATE) AS starts_on
  UNION
  SELECT starts_on FROM staff WHERE starts_on > $period_start AND starts_on <= $period_end
  UNION
  SELECT CAST(ends_on + 1 AS DATE) AS starts_on
  FROM staff
  WHERE ends_on >= $period_start AND ends_on < $period_end
),
spans AS (
  SELECT
    starts_on,
    coalesce(
      CAST(lead(starts_on) OVER (ORDER BY starts_on) - 1 AS DATE),
      CAST($period_end AS DATE)
    ) AS ends_on
  FROM changes
),
filled AS (
  SELECT
    spans.starts_on,
    spans.ends_on,
    date_diff('day', spans.starts_on, spans.ends_on) + 1 AS days,
    count(DISTINCT staff.person_id) AS people,
    coalesce(sum(staff.fte), 0) AS fte
  FROM spans
  LEFT JOIN staff ON staff.starts_on <= spans.starts_on AND staff.ends_on >= spans.starts_on
  GROUP BY spans.starts_on, spans.ends_on
),
contributions AS (
  SELECT
    *,
    least(fte, $positions) * days AS numerator,
    $positions * days AS denominator
  FROM filled
)
-- figure
SELECT
  CASE
    WHEN (
      SELECT min("from") <= $period_end AND max(coalesce("to", $period_end)) >= $period_start
      FROM resources
    )
      THEN sum(numerator)
  END AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY starts_on
