/* ---
title: Right-first-time rate
unit: "%"
direction: higher_is_better
function: invoicing
datasets:
  required: [invoices]
  optional: [adjustments, disputes]
parameters:
  days:
    type: integer
    minimum: 0
    maximum: 3660
    default: "30"
    meaning: >
      Days after issue within which a correction or a billing dispute shows that an invoice was
      wrong, the last of them included.
  billing_reasons:
    type: text
    default: any
    meaning: >
      Which disputes are about billing: any, or the reasons that are, separated by commas, such as
      price,quantity,tax. A dispute without a reason always is.
definition: >
  Of the invoices issued in the period, the share that was right the first time. An invoice's own
  mark first_time_right decides. Where it has none, an invoice was right if within so many days of
  its issue no credit note took effect and no billing dispute was opened. There is no data where
  an invoice without the mark can't be judged since credit notes or disputes weren't handed in.
  The figure is final once the evidence covers those days after the period.
source: Common practice
drill_down: Invoices issued in the period (denominator 1; numerator 1 where right the first time).
--- */
WITH
issued AS (
  SELECT
    invoice_id, customer_id, issue_date, amount, first_time_right,
    CAST(issue_date + CAST($days AS INTEGER) AS DATE) AS judged_until
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
),
corrected AS (
  SELECT issued.invoice_id, min(adjustments.effective_on) AS corrected_on
  FROM issued
  JOIN adjustments ON adjustments.invoice_id = issued.invoice_id
  WHERE adjustments.kind = 'credit_note' AND adjustments.effective_on <= issued.judged_until
  GROUP BY issued.invoice_id
),
disputed AS (
  SELECT issued.invoice_id, CAST(min(disputes.opened_at) AS DATE) AS disputed_on
  FROM issued
  JOIN disputes ON disputes.invoice_id = issued.invoice_id
  WHERE CAST(disputes.opened_at AS DATE) <= issued.judged_until
    AND (
      $billing_reasons = 'any'
      OR disputes.reason IS NULL
      OR strpos(
        concat(',', lower(replace($billing_reasons, ', ', ',')), ','),
        concat(',', lower(trim(disputes.reason)), ',')
      ) > 0
    )
  GROUP BY issued.invoice_id
),
contributions AS (
  SELECT
    issued.invoice_id,
    issued.customer_id,
    issued.issue_date,
    issued.amount,
    issued.first_time_right,
    corrected.corrected_on,
    disputed.disputed_on,
    CASE
      WHEN issued.first_time_right THEN 1
      WHEN issued.first_time_right IS NOT NULL THEN 0
      WHEN corrected.corrected_on IS NULL AND disputed.disputed_on IS NULL THEN 1
      ELSE 0
    END AS numerator,
    1 AS denominator
  FROM issued
  LEFT JOIN corrected ON corrected.invoice_id = issued.invoice_id
  LEFT JOIN disputed ON disputed.invoice_id = issued.invoice_id
)
-- figure
SELECT
  CASE
    WHEN count(*) = count(first_time_right)
      OR ($handed_in LIKE '%,adjustments,%' AND $handed_in LIKE '%,disputes,%')
      THEN sum(numerator)
  END AS numerator,
  sum(denominator) AS denominator,
  count(*) AS ledger_rows,
  100 AS factor
FROM contributions
-- drill-down
SELECT * FROM contributions ORDER BY invoice_id
