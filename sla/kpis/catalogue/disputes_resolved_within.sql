/* ---
title: Disputes resolved within the limit
unit: "%"
direction: higher_is_better
function: disputes
datasets:
  required: [disputes]
  optional: [clock_events]
parameters:
  limit:
    type: decimal
    minimum: 0
    meaning: Time in which a dispute is to be resolved, in days, or in hours of business_hours.
  clock:
    type: choice
    choices: [calendar_days, business_days, business_hours]
    default: calendar_days
    meaning: >
      Days of 24 hours on the wall clock; the same without days on which no work is done; or hours
      within opening hours.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
definition: >
  Of the disputes that fell due in the period, the share that was resolved within the limit. A
  dispute falls due at the instant at which its clock, pauses taken out, reaches the limit; one
  that was resolved before falls due when the clock would have reached it. So each dispute counts
  once, in the period of its due time, and one that is paused when the period ends and hasn't
  fallen due is not counted yet.
source: Common practice
drill_down: >
  Disputes that fell due in the period (denominator: 1; numerator: 1 where resolved within the
  limit), with the seconds that they took, none where they are open.
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
subjects AS (
  SELECT
    dispute_id AS subject_id,
    opened_at_utc AS began_at,
    resolved_at_utc AS ended_at
  FROM disputes
  WHERE opened_at_utc <= CAST($period_last_utc AS TIMESTAMP)
),
-- words: pauses
-- words: period_edges
-- words: time_taken
allowed AS (
  SELECT $limit * CASE $clock WHEN 'business_hours' THEN 3600000000 ELSE 86400000000 END AS micros
),
contributions AS (
  SELECT
    disputes.dispute_id,
    disputes.invoice_id,
    disputes.opened_at,
    disputes.resolved_at,
    CAST(greatest(time_taken.taken, 0) AS DECIMAL(18, 0)) * 0.000001 AS counted_seconds,
    CASE WHEN time_taken.taken <= allowed.micros THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
  FROM time_taken
  JOIN disputes ON disputes.dispute_id = time_taken.subject_id
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
SELECT * FROM contributions ORDER BY dispute_id
