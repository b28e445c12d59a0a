/* ---
title: Time to cash application
unit: days or hours
direction: lower_is_better
function: cash_application
datasets:
  required: [receipts]
parameters:
  statistic:
    type: choice
    choices: [mean, median, p90]
    default: mean
    meaning: >
      Mean, median or 90th percentile. Between two receipts the percentiles interpolate linearly,
      as spreadsheets do with PERCENTILE.INC.
  clock:
    type: choice
    choices: [calendar_days, business_days, business_hours, hours]
    default: hours
    meaning: >
      Days of 24 hours on the wall clock; the same without days on which no work is done; hours
      within opening hours; or real hours. The value is in days or hours accordingly.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
definition: >
  Time from received to posted, over the receipts posted in the period. One that was posted before
  it was received took no time.
source: Common practice; percentiles as PERCENTILE.INC
drill_down: >
  Receipts posted in the period with the seconds that count (numerator: seconds × weight,
  denominator: weight). In a mean each receipt weighs 1; a percentile weighs the one or two at its
  rank with tenths that add up to 10, all others with 0.
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
posted AS (
  SELECT receipt_id, customer_id, received_at, posted_at, amount, received_at_utc, posted_at_utc
  FROM receipts
  WHERE CAST(posted_at AS DATE) BETWEEN $period_start AND $period_end
),
measured AS (
  SELECT
    posted.receipt_id AS subject_id,
    greatest(
      ends.micros_before
        + ends.pace * date_diff('microsecond', ends.starts_at, posted.posted_at_utc)
        - begins.micros_before
        - begins.pace * date_diff('microsecond', begins.starts_at, posted.received_at_utc),
      0
    ) AS taken
  FROM posted
  JOIN ticking AS begins
    ON begins.day = CAST(posted.received_at_utc AS DATE)
    AND begins.starts_at <= posted.received_at_utc
    AND begins.ends_at > posted.received_at_utc
  JOIN ticking AS ends
    ON ends.day = CAST(posted.posted_at_utc AS DATE)
    AND ends.starts_at <= posted.posted_at_utc
    AND ends.ends_at > posted.posted_at_utc
),
-- words: statistic
contributions AS (
  SELECT
    posted.receipt_id,
    posted.customer_id,
    posted.received_at,
    posted.posted_at,
    posted.amount,
    weighed.counted_seconds,
    weighed.counted_seconds * CAST(weighed.weight AS DECIMAL(4, 0)) AS numerator,
    weighed.weight AS denominator
  FROM weighed
  JOIN posted ON posted.receipt_id = weighed.subject_id
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  -- Seconds of a day or an hour; tenths are whole again after dividing by 10.
  CASE WHEN $clock IN ('business_hours', 'hours') THEN 3600 ELSE 86400 END
    * CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS numerator_divisor,
  CASE $statistic WHEN 'mean' THEN 1 ELSE 10 END AS denominator_divisor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY receipt_id
