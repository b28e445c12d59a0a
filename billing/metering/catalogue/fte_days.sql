/* ---
title: Days of full-time equivalents
kind: by_role
datasets: [resources]
definition: >
  For every role: each person's full-time equivalent × the days of the period on which the person
  worked in the role, both ends included. For prices by the day. A role in which nobody worked in
  the period counts 0.
source: The contract language, section "Charges"
drill_down: Persons who worked in the period with their days.
--- */
WITH
assigned AS (
  SELECT
    person_id,
    role,
    "from",
    "to",
    fte,
    greatest(
      date_diff(
        'day',
        greatest("from", CAST($period_start AS DATE)),
        least(coalesce("to", CAST($period_end AS DATE)), CAST($period_end AS DATE))
      ) + 1,
      0
    ) AS days_worked
  FROM resources
)
-- figure
SELECT
  role,
  sum(fte * days_worked) AS quantity,
  1 AS divisor,
  sum(CASE WHEN days_worked > 0 THEN 1 ELSE 0 END) AS ledger_rows
FROM assigned
GROUP BY role
ORDER BY role
-- drill-down
SELECT * FROM assigned WHERE days_worked > 0 ORDER BY role, person_id, "from"
