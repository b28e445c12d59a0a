-- What pays an invoice or lowers what is to be paid. A write-off gives the claim up: it is no
-- payment. A debit note raises the claim: its amount is below zero, and so is what it pays.
payments AS (
  SELECT invoice_id, applied_on AS paid_on, amount FROM allocations
  UNION ALL
  SELECT invoice_id, effective_on AS paid_on, amount FROM adjustments WHERE kind <> 'write_off'
),
