-- How much time had run before the period and by its end.
period_edges AS (
  SELECT
    max(
      CASE
        WHEN starts_at <= CAST($period_before_utc AS TIMESTAMP)
          AND ends_at > CAST($period_before_utc AS TIMESTAMP)
          THEN micros_before
            + pace * date_diff('microsecond', starts_at, CAST($period_before_utc AS TIMESTAMP))
      END
    ) AS before_period,
    max(
      CASE
        WHEN starts_at <= CAST($period_last_utc AS TIMESTAMP)
          AND ends_at > CAST($period_last_utc AS TIMESTAMP)
          THEN micros_before
            + pace * date_diff('microsecond', starts_at, CAST($period_last_utc AS TIMESTAMP))
      END
    ) AS by_period_end
  FROM ticking
),
