/* ---
title: Staff attrition
unit: "%"
direction: lower_is_better
function: people
datasets:
  required: [resources]
parameters:
  annualised:
    type: boolean
    default: false
    meaning: >
      Whether the rate is scaled to a year, × 12 / months of the period; a window of 12 months
      needs no scaling.
  role:
    type: text
    default: any
    meaning: >
      The role whose people count; any counts all. Who changes to another role has left it.
  leave_reasons:
    type: text
    default: any
    meaning: >
      Which leavers count: any, or those whose leave_reason is among these, separated by commas,
      such as resigned,retired.
definition: >
  Leavers in the period / average headcount × 100, where the average is of the headcounts before
  the first day and after the last. People count once, whatever their full-time equivalent and
  however many roles they have. A leaver's last day lies in the period, and after it they hold no
  role: who changes the role or has come back by the end of the period has not left.
source: >
  ISO 30414 and the crude turnover rate of the Chartered Institute of Personnel and Development,
  both not annualised
drill_down: >
  People who were there before, in or after the period (numerator: 1 for a leaver; denominator: 1
  each for the headcounts before and after, of which the average is half).
--- */
WITH
spells AS (
  SELECT person_id, role, "from" AS starts_on, "to" AS ends_on, leave_reason
  FROM resources
  WHERE $role = 'any' OR role = $role
),
people AS (
  SELECT
    person_id,
    max(
      CASE
        WHEN starts_on < $period_start AND (ends_on IS NULL OR ends_on >= $period_start) THEN 1
        ELSE 0
      END
    ) AS was_there,
    max(
      CASE
        WHEN starts_on <= $period_end AND (ends_on IS NULL OR ends_on > $period_end) THEN 1
        ELSE 0
      END
    ) AS is_there,
    max(CASE WHEN ends_on BETWEEN $period_start AND $period_end THEN ends_on END) AS last_day
  FROM spells
  GROUP BY person_id
),
-- The reason of the last day, where a person's roles ended on it for several the first of them.
leavers AS (
  SELECT people.person_id, people.last_day, min(spells.leave_reason) AS leave_reason
  FROM people
  JOIN spells ON spells.person_id = people.person_id AND spells.ends_on = people.last_day
  WHERE people.is_there = 0
  GROUP BY people.person_id, people.last_day
),
contributions AS (
  SELECT
    people.person_id,
    leavers.last_day,
    leavers.leave_reason,
    CASE
      WHEN leavers.person_id IS NULL THEN 0
      WHEN $leave_reasons = 'any' THEN 1
      WHEN strpos(
        concat(',', lower(replace($leave_reasons, ', ', ',')), ','),
        concat(',', lower(trim(leavers.leave_reason)), ',')
      ) > 0 THEN 1
      ELSE 0
    END AS numerator,
    people.was_there + people.is_there AS denominator
  FROM people
  LEFT JOIN leavers ON leavers.person_id = people.person_id
  WHERE people.was_there + people.is_there > 0 OR leavers.person_id IS NOT NULL
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  2 AS denominator_divisor,
  CASE WHEN $annualised THEN 1200 ELSE 100 END AS factor,
  sum(denominator) * CASE WHEN $annualised THEN $period_months ELSE 1 END AS part_of
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY person_id
