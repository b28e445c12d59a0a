/* ---
title: Replacement time
unit: days
direction: lower_is_better
function: people
datasets:
  required: [resources]
parameters:
  statistic:
    type: choice
    choices: [mean, median, p90]
    default: mean
    meaning: >
      Mean, median or 90th percentile. Between two replacements the percentiles interpolate
      linearly, as spreadsheets do with PERCENTILE.INC.
  role:
    type: text
    default: any
    meaning: The role whose people are replaced; any looks at all roles, each by itself.
  overlap_days:
    type: integer
    default: "0"
    minimum: 0
    maximum: 366
    meaning: >
      Days before a leaver's last day from which a newcomer is taken as the replacement, who works
      beside the leaver for a while; such a replacement took no time.
definition: >
  Calendar days from a leaver's last day to the replacement's first day in the same role, over the
  replacements that began in the period; who begins on the day after took one day. In each role
  those who left first are replaced first. Who begins while nobody has left is no replacement, and
  a person whose next spell in the role follows without a gap neither left nor began.
source: Common practice in staffing
drill_down: >
  Replacements that began in the period with the days that count (numerator: days × weight,
  denominator: weight). In a mean each weighs 1; a percentile weighs the one or two at its rank
  with tenths that add up to 10, all others with 0.
--- */
WITH
spells AS (
  SELECT
    person_id, role, "from" AS starts_on, "to" AS ends_on,
    lag("to") OVER (PARTITION BY person_id, role ORDER BY "from") AS earlier_end,
    lead("from") OVER (PARTITION BY person_id, role ORDER BY "from") AS next_start
  FROM resources
  WHERE $role = 'any' OR role = $role
),
leavers AS (
  SELECT
    role, person_id, ends_on,
    row_number() OVER (PARTITION BY role ORDER BY ends_on, person_id) AS place
  FROM spells
  WHERE ends_on IS NOT NULL AND (next_start IS NULL OR next_start > ends_on + 1)
),
newcomers AS (
  SELECT role, person_id, starts_on
  FROM spells
  WHERE earlier_end IS NULL OR starts_on > earlier_end + 1
),
changes AS (
  SELECT
    role, CAST(ends_on - $overlap_days AS DATE) AS day, 0 AS sort, person_id,
    1 AS left_role, 0 AS joined_role
  FROM leavers
  UNION ALL
  SELECT
    role, starts_on AS day, 1 AS sort, person_id, 0 AS left_role, 1 AS joined_role
  FROM newcomers
),
counted AS (
  SELECT
    role, day, sort, person_id, joined_role,
    sum(joined_role) OVER (
      PARTITION BY role ORDER BY day, sort, person_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS joined,
    sum(joined_role - left_role) OVER (
      PARTITION BY role ORDER BY day, sort, person_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS more
  FROM changes
),
-- So many newcomers came while nobody had left that they make the role grow.
grown AS (
  SELECT
    role, day, person_id, joined_role, joined,
    greatest(
      max(more) OVER (
        PARTITION BY role ORDER BY day, sort, person_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ),
      0
    ) AS growth,
    coalesce(
      greatest(
        max(more) OVER (
          PARTITION BY role ORDER BY day, sort, person_id
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        0
      ),
      0
    ) AS earlier_growth
  FROM counted
),
replacements AS (
  SELECT
    grown.role,
    grown.person_id,
    grown.day AS starts_on,
    leavers.person_id AS replaces,
    leavers.ends_on AS left_on,
    greatest(date_diff('day', leavers.ends_on, grown.day), 0) AS days
  FROM grown
  JOIN leavers ON leavers.role = grown.role AND leavers.place = grown.joined - grown.growth
  WHERE grown.joined_role = 1
    AND grown.growth = grown.earlier_growth
    AND grown.day BETWEEN $period_start AND $period_end
),
measured AS (
  SELECT
    concat(role, ' ', CAST(starts_on AS VARCHAR), ' ', person_id) AS subject_id,
    days * 1000000 AS taken
  FROM replacements
),
-- words: statistic
contributions AS (
  SELECT
    replacements.role,
    replacements.replaces,
    replacements.left_on,
    replacements.person_id,
    replacements.starts_on,
    replacements.days,
    replacements.days * weighed.weight AS numerator,
    weighed.weight AS denominator
  FROM weighed
  JOIN replacements
    ON concat(role, ' ', CAST(starts_on AS VARCHAR), ' ', person_id) = weighed.subject_id
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS numerator_divisor,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS denominator_divisor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY role, starts_on, person_id
