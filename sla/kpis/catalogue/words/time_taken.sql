-- How long the clocks of `subjects` ran, from began_at to ended_at (null while they run), without
-- the spans in `stills`. `ticking` says how much time had run at any instant; all durations are
-- microseconds of that time. `period_edges` are its sums at the edges of the period.
still_spans AS (
  SELECT
    stills.subject_id,
    begins.micros_before
      + begins.pace * date_diff('microsecond', begins.starts_at, stills.from_at) AS stood_from,
    -- What nothing ends lasts longer than any clock runs.
    coalesce(
      ends.micros_before + ends.pace * date_diff('microsecond', ends.starts_at, stills.until_at),
      9000000000000000000
    ) AS stood_until
  FROM stills
  JOIN ticking AS begins
    ON begins.day = CAST(stills.from_at AS DATE)
    AND begins.starts_at <= stills.from_at
    AND begins.ends_at > stills.from_at
  LEFT JOIN ticking AS ends
    ON ends.day = CAST(stills.until_at AS DATE)
    AND ends.starts_at <= stills.until_at
    AND ends.ends_at > stills.until_at
),
-- Where spans overlap, each counts only from where those before it have ended.
still_once AS (
  SELECT
    subject_id,
    greatest(
      stood_from,
      coalesce(
        max(stood_until) OVER (
          PARTITION BY subject_id ORDER BY stood_from, stood_until
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        stood_from
      )
    ) AS stood_from,
    stood_until
  FROM still_spans
),
subject_spans AS (
  SELECT
    subjects.subject_id,
    begins.micros_before
      + begins.pace * date_diff('microsecond', begins.starts_at, subjects.began_at) AS began,
    ends.micros_before
      + ends.pace * date_diff('microsecond', ends.starts_at, subjects.ended_at) AS ended,
    period_edges.before_period,
    period_edges.by_period_end
  FROM subjects
  JOIN ticking AS begins
    ON begins.day = CAST(subjects.began_at AS DATE)
    AND begins.starts_at <= subjects.began_at
    AND begins.ends_at > subjects.began_at
  LEFT JOIN ticking AS ends
    ON ends.day = CAST(subjects.ended_at AS DATE)
    AND ends.starts_at <= subjects.ended_at
    AND ends.ends_at > subjects.ended_at
  CROSS JOIN period_edges
),
stood_still AS (
  SELECT
    spans.subject_id,
    sum(
      greatest(least(stood_until, spans.ended) - greatest(stood_from, spans.began), 0)
    ) AS in_all,
    sum(
      greatest(
        least(stood_until, coalesce(spans.ended, before_period), before_period)
          - greatest(stood_from, spans.began),
        0
      )
    ) AS before_period,
    sum(
      greatest(
        least(stood_until, coalesce(spans.ended, by_period_end), by_period_end)
          - greatest(stood_from, spans.began),
        0
      )
    ) AS by_period_end
  FROM subject_spans AS spans
  JOIN still_once ON still_once.subject_id = spans.subject_id
  GROUP BY spans.subject_id
),
-- `taken` is null while the clock runs. The other two are what it had run before the period and
-- by its end; a clock that was stopped is taken to run on, so that its target falls, too.
time_taken AS (
  SELECT
    spans.subject_id,
    spans.ended - spans.began - coalesce(stood_still.in_all, 0) AS taken,
    spans.before_period - spans.began - coalesce(stood_still.before_period, 0)
      AS ran_before_period,
    spans.by_period_end - spans.began - coalesce(stood_still.by_period_end, 0)
      AS ran_by_period_end
  FROM subject_spans AS spans
  LEFT JOIN stood_still ON stood_still.subject_id = spans.subject_id
),
