/* ---
title: Dispute resolution time
unit: days
direction: lower_is_better
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
    choices: [calendar_days]
    default: calendar_days
    meaning: Elapsed time in days of 24 hours, weekends and holidays included.
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
resolved AS (
  SELECT dispute_id, invoice_id, opened_at, resolved_at
  FROM disputes
  WHERE CAST(resolved_at AS DATE) BETWEEN $period_start AND $period_end
),
subject_events AS (
  SELECT
    subject_id,
    event,
    clock_events.at AS happened_at,
    lead(clock_events.at) OVER (PARTITION BY subject_id ORDER BY clock_events.at, event DESC)
      AS next_at
  FROM clock_events
  WHERE subject_id IN (SELECT dispute_id FROM resolved)
),
paused AS (
  SELECT
    dispute_id,
    sum(
      greatest(
        date_diff(
          'second',
          greatest(happened_at, opened_at),
          least(coalesce(next_at, resolved_at), resolved_at)
        ),
        0
      )
    ) AS seconds
  FROM subject_events
  JOIN resolved ON dispute_id = subject_id
  WHERE event = 'pause'
  GROUP BY dispute_id
),
ranked AS (
  SELECT
    resolved.*,
    date_diff('second', opened_at, resolved_at) - coalesce(paused.seconds, 0) AS counted_seconds,
    row_number() OVER (ORDER BY counted_seconds, resolved.dispute_id) - 1 AS position,
    -- The percentile's rank among the disputes, in tenths of a position counted from 0.
    (count(*) OVER () - 1) * CASE $statistic WHEN 'median' THEN 5 ELSE 9 END AS tenths
  FROM resolved
  LEFT JOIN paused ON paused.dispute_id = resolved.dispute_id
),
contributions AS (
  SELECT
    dispute_id, invoice_id, opened_at, resolved_at, counted_seconds,
    CASE
      WHEN $statistic = 'mean' THEN 1
      ELSE greatest(10 - abs(10 * position - tenths), 0)
    END AS denominator,
    denominator * counted_seconds AS numerator
  FROM ranked
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  -- 86 400 seconds are a day; tenths are whole again after dividing by 10.
  CASE $statistic WHEN 'mean' THEN 86400 ELSE 864000 END AS numerator_divisor,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS denominator_divisor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY dispute_id
