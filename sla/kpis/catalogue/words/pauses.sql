-- A dispute stands still from a pause to the next event of that clock; of several clocks, while
-- any of them is paused.
dispute_events AS (
  SELECT
    subject_id,
    event,
    at_utc AS from_at,
    lead(at_utc) OVER (
      PARTITION BY subject_id, clock
      ORDER BY
        at_utc,
        CASE event WHEN 'start' THEN 0 WHEN 'pause' THEN 1 WHEN 'resume' THEN 2 ELSE 3 END
    ) AS until_at
  FROM clock_events
  WHERE subject_id IN (SELECT subject_id FROM subjects)
),
stills AS (
  SELECT subject_id, from_at, until_at FROM dispute_events WHERE event = 'pause'
),
