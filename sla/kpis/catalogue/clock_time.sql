/* ---
title: Clock time
unit: days or hours
direction: lower_is_better
function: general
datasets:
  required: [clock_events]
parameters:
  clock:
    type: text
    meaning: Name of the clock, as the column clock of the clock events has it.
  statistic:
    type: choice
    choices: [mean, median, p90]
    default: mean
    meaning: >
      Mean, median or 90th percentile. Between two subjects the percentiles interpolate linearly,
      as spreadsheets do with PERCENTILE.INC.
  time:
    type: choice
    choices: [calendar_days, business_days, business_hours, hours]
    default: business_hours
    meaning: >
      What the clock counts: days of 24 hours on the wall clock; the same without days on which no
      work is done; hours within opening hours; or real hours. The value is in days or hours
      accordingly.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
definition: >
  Time that a clock ran, over the subjects for which it was stopped in the period. It runs from
  start to stop without pauses, from a pause to the next resume. A subject whose clock was started
  again counts once, with the sum of its runs, in the period of its last stop; a run that begins
  after the period is left out. An event that doesn't fit, such as a stop before any start, changes
  nothing.
source: Common practice; percentiles as PERCENTILE.INC
drill_down: >
  Subjects whose clock was stopped in the period with the seconds that count (numerator: seconds ×
  weight, denominator: weight). In a mean each weighs 1; a percentile weighs the one or two at its
  rank with tenths that add up to 10, all others with 0.
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
stopped AS (
  SELECT subject_id, started_at, stopped_at
  FROM subjects
  WHERE ended_at > CAST($period_before_utc AS TIMESTAMP)
    AND ended_at <= CAST($period_last_utc AS TIMESTAMP)
),
measured AS (
  SELECT time_taken.subject_id, time_taken.taken
  FROM time_taken
  JOIN stopped ON stopped.subject_id = time_taken.subject_id
),
-- words: statistic
contributions AS (
  SELECT
    stopped.subject_id,
    stopped.started_at,
    stopped.stopped_at,
    weighed.counted_seconds,
    weighed.counted_seconds * CAST(weighed.weight AS DECIMAL(4, 0)) AS numerator,
    weighed.weight AS denominator
  FROM weighed
  JOIN stopped ON stopped.subject_id = weighed.subject_id
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  -- Seconds of a day or an hour; tenths are whole again after dividing by 10.
  CASE WHEN $time IN ('business_hours', 'hours') THEN 3600 ELSE 86400 END
    * CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS numerator_divisor,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS denominator_divisor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY subject_id
