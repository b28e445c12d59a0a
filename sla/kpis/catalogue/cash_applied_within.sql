/* ---
title: Cash applied within the limit
unit: "%"
direction: higher_is_better
function: cash_application
datasets:
  required: [receipts]
parameters:
  limit:
    type: decimal
    minimum: 0
    default: "24"
    meaning: Time in which a receipt is to be posted, in hours or days as `clock` says.
  clock:
    type: choice
    choices: [calendar_days, business_days, business_hours, hours]
    default: hours
    meaning: >
      Days of 24 hours on the wall clock; the same without days on which no work is done; hours
      within opening hours; or real hours.
  calendar:
    type: text
    default: business_hours
    meaning: The contract's calendar that says when work is done.
  cohort:
    type: choice
    choices: [posted, due]
    default: posted
    meaning: >
      Which receipts are judged: those posted in the period, or those whose limit ended in it, also
      where they aren't posted.
  weight:
    type: choice
    choices: [amount, count]
    default: count
    meaning: Whether a receipt weighs by its amount or counts once.
definition: >
  Of the receipts posted in the period, the share posted within the limit after they were received.
  One that was posted before it was received took no time.
source: Common practice
drill_down: >
  The receipts that are judged, with the seconds that they took, none where they aren't posted
  (denominator: weight; numerator: weight where posted within the limit).
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
allowed AS (
  SELECT
    $limit * CASE WHEN $clock IN ('business_hours', 'hours') THEN 3600000000 ELSE 86400000000 END
      AS micros
),
-- words: period_edges
candidates AS (
  SELECT receipt_id, customer_id, received_at, posted_at, amount, received_at_utc, posted_at_utc
  FROM receipts
  WHERE $cohort = 'posted' AND CAST(posted_at AS DATE) BETWEEN $period_start AND $period_end
  UNION ALL
  SELECT receipt_id, customer_id, received_at, posted_at, amount, received_at_utc, posted_at_utc
  FROM receipts
  WHERE $cohort = 'due' AND received_at_utc <= CAST($period_last_utc AS TIMESTAMP)
),
timed AS (
  SELECT
    candidates.receipt_id,
    candidates.customer_id,
    candidates.received_at,
    candidates.posted_at,
    candidates.amount,
    begins.micros_before
      + begins.pace * date_diff('microsecond', begins.starts_at, candidates.received_at_utc)
      AS received,
    ends.micros_before
      + ends.pace * date_diff('microsecond', ends.starts_at, candidates.posted_at_utc)
      AS posted
  FROM candidates
  JOIN ticking AS begins
    ON begins.day = CAST(candidates.received_at_utc AS DATE)
    AND begins.starts_at <= candidates.received_at_utc
    AND begins.ends_at > candidates.received_at_utc
  LEFT JOIN ticking AS ends
    ON ends.day = CAST(candidates.posted_at_utc AS DATE)
    AND ends.starts_at <= candidates.posted_at_utc
    AND ends.ends_at > candidates.posted_at_utc
),
contributions AS (
  SELECT
    timed.receipt_id,
    timed.customer_id,
    timed.received_at,
    timed.posted_at,
    timed.amount,
    CASE
      WHEN timed.posted IS NOT NULL
        THEN CAST(greatest(timed.posted - timed.received, 0) AS DECIMAL(18, 0)) * 0.000001
    END AS counted_seconds,
    CASE
      WHEN timed.posted IS NULL OR timed.posted - timed.received > allowed.micros THEN 0
      WHEN $weight = 'amount' THEN timed.amount
      ELSE 1
    END AS numerator,
    CASE $weight WHEN 'amount' THEN timed.amount ELSE 1 END AS denominator
  FROM timed
  CROSS JOIN allowed
  CROSS JOIN period_edges
  WHERE $cohort = 'posted'
    OR (
      period_edges.before_period - timed.received < allowed.micros
      AND period_edges.by_period_end - timed.received >= allowed.micros
    )
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY receipt_id
