/* ---
title: Promises kept
unit: "%"
direction: higher_is_better
function: collections
datasets:
  required: [activities, invoices, allocations]
  optional: [adjustments, receipts]
parameters:
  share:
    type: decimal
    minimum: 0
    maximum: 100
    default: "100"
    meaning: Per cent of what was promised that must be paid.
  grace_days:
    type: integer
    minimum: 0
    maximum: 366
    default: "0"
    meaning: Days after the promised one until which a payment still keeps the promise.
  paid_on:
    type: choice
    choices: [applied, received]
    default: applied
    meaning: >
      Whether a payment counts on the day on which it was applied to the invoice, or on the day on
      which it was received, so that slow posting breaks no promise.
definition: >
  Of the promises to pay that fall due in the period, the share that was kept: paid to at least
  that share, between the day of the promise and the promised day with its grace. A promise about
  an invoice is kept by payments on it, one that names none by payments on any invoice of the
  customer issued by the day of the promise. What was promised is the amount named, or else all
  that was open then; never more than that, less credit notes and discounts since. Promises of one
  day for the same invoice, or customer, are instalments: each must be paid with those before it.
  A promise isn't counted where nothing was promised or nothing was open.
source: Common practice in collections
drill_down: >
  Promises that fall due in the period (denominator 1; numerator 1 where kept) with what was to be
  paid by then, instalments before it included, and what was.
--- */
WITH
promises AS (
  SELECT
    activity_id, customer_id, invoice_id, promised_on, promised_amount,
    CAST(activities.at AS DATE) AS made_on
  FROM activities
  WHERE kind = 'promise' AND promised_on IS NOT NULL
    AND (promised_amount IS NULL OR promised_amount > 0)
),
due AS (
  SELECT *, CAST(promised_on + CAST($grace_days AS INTEGER) AS DATE) AS kept_until
  FROM promises
  WHERE promised_on BETWEEN $period_start AND $period_end
),
-- What had been promised by then; nothing where an instalment is for all that is open.
planned AS (
  SELECT
    due.activity_id,
    CASE
      WHEN count(*) = count(instalments.promised_amount) THEN sum(instalments.promised_amount)
    END AS planned
  FROM due
  JOIN promises AS instalments
    ON instalments.customer_id = due.customer_id
    AND coalesce(instalments.invoice_id, '') = coalesce(due.invoice_id, '')
    AND instalments.made_on = due.made_on
    AND instalments.promised_on <= due.promised_on
  GROUP BY due.activity_id
),
-- The invoices that a promise is about.
claims AS (
  SELECT due.activity_id, due.made_on, due.kept_until, invoices.invoice_id, invoices.amount
  FROM due
  JOIN invoices ON invoices.invoice_id = due.invoice_id
  UNION ALL
  SELECT due.activity_id, due.made_on, due.kept_until, invoices.invoice_id, invoices.amount
  FROM due
  JOIN invoices ON invoices.customer_id = due.customer_id
  WHERE due.invoice_id IS NULL AND invoices.issue_date <= due.made_on
),
settlements AS (
  SELECT
    allocations.invoice_id,
    'cash' AS kind,
    CASE
      WHEN $paid_on = 'received'
        THEN coalesce(CAST(receipts.received_at AS DATE), allocations.applied_on)
      ELSE allocations.applied_on
    END AS on_date,
    allocations.amount
  FROM allocations
  LEFT JOIN receipts ON receipts.receipt_id = allocations.receipt_id
  WHERE allocations.invoice_id IN (SELECT invoice_id FROM claims)
  UNION ALL
  SELECT invoice_id, kind, effective_on AS on_date, amount
  FROM adjustments
  WHERE invoice_id IN (SELECT invoice_id FROM claims)
),
settled AS (
  SELECT
    claims.activity_id,
    claims.invoice_id,
    claims.amount,
    sum(
      CASE
        WHEN settlements.on_date < claims.made_on THEN settlements.amount
        WHEN settlements.kind IN ('credit_note', 'discount')
          AND settlements.on_date <= claims.kept_until
          THEN settlements.amount
        ELSE 0
      END
    ) AS come_off,
    sum(
      CASE
        WHEN settlements.kind = 'cash'
          AND settlements.on_date BETWEEN claims.made_on AND claims.kept_until
          THEN settlements.amount
        ELSE 0
      END
    ) AS paid
  FROM claims
  LEFT JOIN settlements ON settlements.invoice_id = claims.invoice_id
  GROUP BY claims.activity_id, claims.invoice_id, claims.amount
),
-- What is paid on one invoice beyond what is open on it pays no other.
by_promise AS (
  SELECT
    activity_id,
    sum(greatest(amount - come_off, 0)) AS owed,
    sum(least(paid, greatest(amount - come_off, 0))) AS paid
  FROM settled
  GROUP BY activity_id
),
judged AS (
  SELECT
    due.activity_id, due.customer_id, due.invoice_id, due.made_on, due.promised_on,
    due.promised_amount,
    least(coalesce(planned.planned, by_promise.owed), by_promise.owed) AS to_be_paid,
    by_promise.paid
  FROM due
  JOIN planned ON planned.activity_id = due.activity_id
  JOIN by_promise ON by_promise.activity_id = due.activity_id
  WHERE by_promise.owed > 0
),
contributions AS (
  SELECT
    *,
    CASE WHEN 100 * paid >= $share * to_be_paid THEN 1 ELSE 0 END AS numerator,
    1 AS denominator
  FROM judged
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
