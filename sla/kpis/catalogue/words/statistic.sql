-- What each of `measured` weighs in the statistic. In a mean each weighs 1; a percentile weighs
-- the one or two at its rank with tenths that add up to 10, and all others with 0.
ranked AS (
  SELECT
    subject_id,
    taken,
    row_number() OVER (ORDER BY taken, subject_id) - 1 AS rank,
    (count(*) OVER () - 1) * CASE $statistic WHEN 'median' THEN 5 ELSE 9 END AS tenths
  FROM measured
),
weighed AS (
  SELECT
    subject_id,
    CAST(taken AS DECIMAL(18, 0)) * 0.000001 AS counted_seconds,
    CASE
      WHEN $statistic = 'mean' THEN 1
      ELSE greatest(10 - abs(10 * rank - tenths), 0)
    END AS weight
  FROM ranked
),
