/* ---
title: Clock attainment
unit: "%"
direction: higher_is_better
function: general
datasets:
  required: [clock_events]
parameters:
  clock:
    type: text
    meaning: Name of the clock, as the column clock of the clock events has it.
  target:
    type: decimal
    minimum: 0
    meaning: Time within which the clock is to be stopped, in days or hours as `time` says.
  time:
    type: choice
    choices: [calendar_days, business_days, business_hours, hours]
    default: business_hours
    meaning: >
      What the clock counts: days of 24 hours on the wall clock; the same without days on which no
      work is done; hours within opening hours; or real hours.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
definition: >
  Of the subjects whose target fell in the period, the share whose clock was stopped within the
  target. A clock runs from start to stop without pauses, from a pause to the next resume; the
  target falls at the instant at which it reaches the target, or would have, had it not been
  stopped before. A subject that is paused when the period ends and whose target hasn't fallen is
  not counted yet. Where the clock was started again its runs are added up, and what began after
  the period is left out; the subject counts again where its target falls in a later period then.
  An event that doesn't fit, such as a stop before any start, changes nothing.
source: Common practice
drill_down: >
  Subjects whose target fell in the period (denominator: 1; numerator: 1 where the clock was
  stopped within it), with the seconds that it ran, none where it isn't stopped.
--- */
WITH
ticking AS (
  SELECT
    day, starts_at, ends_at,
    seconds_before * 1000000 AS micros_before,
    CASE WHEN running THEN 1 ELSE 0 END AS pace
  FROM business_time
  WHERE calendar = $calendar AND unit = $time
),
-- words: clock_runs
-- words: period_edges
-- words: time_taken
allowed AS (
  SELECT
    $target * CASE WHEN $time IN ('business_hours', 'hours') THEN 3600000000 ELSE 86400000000 END
      AS micros
),
contributions AS (
  SELECT
    subjects.subject_id,
    subjects.started_at,
    subjects.stopped_at,
    CAST(time_taken.taken AS DECIMAL(18, 0)) * 0.000001 AS counted_seconds,
    CASE WHEN time_taken.taken <= allowed.micros THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
  FROM time_taken
  JOIN subjects ON subjects.subject_id = time_taken.subject_id
  CROSS JOIN allowed
  WHERE time_taken.ran_before_period < allowed.micros
    AND time_taken.ran_by_period_end >= allowed.micros
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY subject_id
