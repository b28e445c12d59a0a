/* ---
title: Reminders on time
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [activities]
definition: >
  Of the reminders due in the period, the share sent by the time they were due. Where that is a
  midnight, as a date without a time is read, they may be sent until the end of that day.
source: Common practice
drill_down: >
  Reminders due in the period (denominator: 1; numerator: 1 where sent in time).
--- */
WITH
contributions AS (
  SELECT
    activity_id,
    customer_id,
    invoice_id,
    channel,
    due_at,
    activities.at AS sent_at,
    CASE
      WHEN at_utc <= due_at_utc THEN 1
      WHEN due_at = CAST(CAST(due_at AS DATE) AS TIMESTAMP)
        AND CAST(activities.at AS DATE) <= CAST(due_at AS DATE) THEN 1
      ELSE 0
    END AS numerator,
    1 AS denominator
  FROM activities
  WHERE kind = 'reminder' AND CAST(due_at AS DATE) BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  sum(numerator) AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY activity_id
