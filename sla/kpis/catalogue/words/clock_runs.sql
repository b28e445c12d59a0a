-- The events of the clock in their order; at the same instant start, pause, resume, stop.
ordered_events AS (
  SELECT
    subject_id,
    event,
    clock_events.at AS happened_at,
    at_utc,
    row_number() OVER (
      PARTITION BY subject_id
      ORDER BY
        at_utc,
        CASE event WHEN 'start' THEN 0 WHEN 'pause' THEN 1 WHEN 'resume' THEN 2 ELSE 3 END
    ) AS place
  FROM clock_events
  WHERE clock = $clock
),
-- A clock is on from a start to the next stop.
judged_events AS (
  SELECT
    *,
    coalesce(
      max(CASE WHEN event = 'start' THEN place END) OVER (
        PARTITION BY subject_id ORDER BY place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) > coalesce(
      max(CASE WHEN event = 'stop' THEN place END) OVER (
        PARTITION BY subject_id ORDER BY place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS was_on
  FROM ordered_events
),
-- What happens to a clock that isn't on changes nothing, unless it is a start.
run_events AS (
  SELECT
    *,
    sum(CASE WHEN event = 'start' AND NOT was_on THEN 1 ELSE 0 END) OVER (
      PARTITION BY subject_id ORDER BY place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM judged_events
  WHERE was_on OR event = 'start'
),
dated_events AS (
  SELECT *, min(at_utc) OVER (PARTITION BY subject_id, run) AS run_began_at FROM run_events
),
-- A run that begins after the period is of no concern to it.
counted_events AS (
  SELECT
    *,
    lead(at_utc) OVER (PARTITION BY subject_id ORDER BY place) AS next_at
  FROM dated_events
  WHERE run_began_at <= CAST($period_last_utc AS TIMESTAMP)
),
subjects AS (
  SELECT
    subject_id,
    min(at_utc) AS began_at,
    max(CASE WHEN event = 'stop' AND next_at IS NULL THEN at_utc END) AS ended_at,
    min(happened_at) AS started_at,
    max(CASE WHEN event = 'stop' AND next_at IS NULL THEN happened_at END) AS stopped_at
  FROM counted_events
  GROUP BY subject_id
),
stills AS (
  SELECT subject_id, at_utc AS from_at, next_at AS until_at
  FROM counted_events
  WHERE event IN ('pause', 'stop')
),
