"""Questions about clock events: those that don't fit the state of their clock."""

from __future__ import annotations

from collections.abc import Iterator

from sla.evidence.instants import Times
from sla.evidence.values import Finding

_ODD = """
WITH
ordered AS (
  SELECT
    clock,
    subject_id,
    event,
    clock_events.at AS happened_at,
    at_utc,
    row_number() OVER (
      PARTITION BY clock, subject_id
      ORDER BY
        at_utc,
        CASE event WHEN 'start' THEN 0 WHEN 'pause' THEN 1 WHEN 'resume' THEN 2 ELSE 3 END
    ) AS place
  FROM clock_events
),
seen AS (
  SELECT
    *,
    coalesce(
      max(CASE WHEN event = 'start' THEN place END) OVER (
        PARTITION BY clock, subject_id ORDER BY place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) > coalesce(
      max(CASE WHEN event = 'stop' THEN place END) OVER (
        PARTITION BY clock, subject_id ORDER BY place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS was_on,
    lag(event) OVER (PARTITION BY clock, subject_id ORDER BY place) AS previous,
    lag(at_utc) OVER (PARTITION BY clock, subject_id ORDER BY place) AS previous_at
  FROM ordered
),
odd AS (
  SELECT
    *,
    CASE
      WHEN previous_at = at_utc AND previous <> event THEN 'at once'
      -- A dispute's clock is started by its opening.
      WHEN event <> 'start' AND NOT was_on
        AND subject_id NOT IN (SELECT dispute_id FROM disputes) THEN 'not running'
      WHEN event = 'pause' AND previous = 'pause' THEN 'already paused'
      WHEN event = 'resume' AND previous <> 'pause' THEN 'not paused'
      WHEN event = 'start' AND was_on THEN 'already started'
    END AS why
  FROM seen
),
numbered AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY clock, why ORDER BY at_utc, subject_id, place) AS number,
    count(*) OVER (PARTITION BY clock, why) AS events
  FROM odd
  WHERE why IS NOT NULL
)
SELECT clock, why, events, subject_id, event, happened_at
FROM numbered
WHERE number = 1
ORDER BY clock, why
"""
_SAID = {
    "at once": "at the same instant as another event; they are taken as start, pause, resume, stop",
    "not running": "while it wasn't started, and changes nothing",
    "already paused": "while it was paused, and changes nothing",
    "not paused": "while it wasn't paused, and changes nothing",
    "already started": "while it was started; it ends a pause and changes nothing else",
}
"""What an event that doesn't fit is, and what becomes of it."""


def odd_clock_events(ledger: Times) -> Iterator[Finding]:
    """A finding for each clock and each way in which its events don't fit, with the first."""
    if "clock_events" not in ledger.handed_in:
        return
    for clock, why, events, subject, event, at in ledger.execute(_ODD, {}).rows:
        others = f", and {events - 1} more like it" if events > 1 else ""
        message = f"clock '{clock}': the {event} of {subject} at {at} came {_SAID[why]}{others}"
        yield Finding("clock_events_out_of_place", message, "clock_events")
