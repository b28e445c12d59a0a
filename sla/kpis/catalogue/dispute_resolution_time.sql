/* ---
title: Dispute resolution time
unit: days or hours
direction: lower_is_better
function: disputes
datasets:
  required: [disputes]
  optional: [clock_events]
parameters:
  statistic:
    type: choice
    choices: [mean, median, p90]
    default: mean
    meaning: >
      Mean, median or 90th percentile. Between two disputes the percentiles interpolate linearly,
      as spreadsheets do with PERCENTILE.INC.
  clock:
    type: choice
    choices: [calendar_days, business_days, business_hours]
    default: calendar_days
    meaning: >
      Days of 24 hours on the wall clock; the same without days on which no work is done; or hours
      within opening hours. The value is in days, or in hours for business_hours.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
definition: >
  Time from opened to resolved, over the disputes resolved in the period. Time during which the
  dispute was paused, from a pause to the next event of its clock, is taken out.
source: Common practice; percentiles as PERCENTILE.INC
drill_down: >
  Disputes resolved in the period with the seconds that count (numerator: seconds × weight,
  denominator: weight). In a mean each dispute weighs 1; a percentile weighs the one or two
  disputes at its rank with tenths that add up to 10, all others with 0.
--- */
WITH
ticking AS (
  SELECT
    day, starts_at, ends_at,
    seconds_before * 1000000 AS micros_before,
    CASE WHEN running THEN 1 ELSE 0 END AS pace
  FROM business_time
  WHERE calendar = $calendar AND unit = $clock
),
resolved AS (
  SELECT dispute_id, invoice_id, opened_at, resolved_at, opened_at_utc, resolved_at_utc
  FROM disputes
  WHERE CAST(resolved_at AS DATE) BETWEEN $period_start AND $period_end
),
subjects AS (
  SELECT
    dispute_id AS subject_id,
    opened_at_utc AS began_at,
    resolved_at_utc AS ended_at
  FROM resolved
),
-- words: pauses
-- words: period_edges
-- words: time_taken
-- Of two times without an offset the later can be the earlier instant; it took no time.
measured AS (
  SELECT subject_id, greatest(taken, 0) AS taken FROM time_taken
),
-- words: statistic
contributions AS (
  SELECT
    resolved.dispute_id,
    resolved.invoice_id,
    resolved.opened_at,
    resolved.resolved_at,
    weighed.counted_seconds,
    weighed.counted_seconds * CAST(weighed.weight AS DECIMAL(4, 0)) AS numerator,
    weighed.weight AS denominator
  FROM weighed
  JOIN resolved ON resolved.dispute_id = weighed.subject_id
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  -- Seconds of a day or an hour; tenths are whole again after dividing by 10.
  CASE $clock WHEN 'business_hours' THEN 3600 ELSE 86400 END
    * CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS numerator_divisor,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS denominator_divisor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY dispute_id
