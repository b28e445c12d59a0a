/* ---
title: Reminders sent
kind: count
datasets: [activities]
by: channel
definition: >
  Activities of the kind reminder that took place in the period. With a channel behind the name,
  as in reminders_sent/letter, only those by that channel.
source: The contract language, section "Charges"
drill_down: Reminders sent in the period.
--- */
WITH
counted AS (
  SELECT activity_id, customer_id, invoice_id, "at", due_at, channel
  FROM activities
  WHERE
    kind = 'reminder'
    AND CAST("at" AS DATE) BETWEEN $period_start AND $period_end
    AND ($part = '' OR replace(lower(channel), ' ', '_') = $part)
)
-- figure
SELECT count(*) AS quantity, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY "at", activity_id
