/* ---
title: Right-party contact rate
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [activities]
parameters:
  logged:
    type: choice
    choices: [beside_call, instead_of_call]
    default: beside_call
    meaning: >
      Whether a call that reached the right person is logged as a call and as a contact, or as a
      contact only, so that calls made are calls and contacts together.
definition: >
  Contacts with the right person / calls made in the period × 100, both as the activities log
  them. An attempt that reached nobody, or somebody else, is a call without a contact.
source: Common practice of collection agencies
drill_down: Calls (denominator 1) and contacts (numerator 1) of the period.
--- */
WITH
contributions AS (
  SELECT
    activity_id, customer_id, invoice_id, activities.at, channel, kind,
    CASE kind WHEN 'contact' THEN 1 ELSE 0 END AS numerator,
    CASE WHEN kind = 'call' OR $logged = 'instead_of_call' THEN 1 ELSE 0 END AS denominator
  FROM activities
  WHERE kind IN ('call', 'contact')
    AND CAST(activities.at AS DATE) BETWEEN $period_start AND $period_end
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
