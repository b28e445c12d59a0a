"""What is taken out of a measurement because the client, or no one, is to blame for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from governance.values import Period


class ReliefKind(StrEnum):
    """Why the provider is relieved."""

    CLIENT_CAUSED = "client_caused"
    MAINTENANCE = "maintenance"
    FORCE_MAJEURE = "force_majeure"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A span of time from one instant up to another, which it doesn't include."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a span of time needs instants, with their time zone")
        if self.end <= self.start:
            raise ValueError(f"the span ends at {self.end}, before it starts")

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return int((self.end - self.start).total_seconds())

    def as_json(self) -> dict[str, str]:
        """Both instants in UTC."""
        return {name: instant_text(at) for name, at in (("from", self.start), ("to", self.end))}


def instant_text(at: datetime) -> str:
    """An instant in UTC, as "2026-03-05T08:00:00Z"."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def disjoint(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time in spans that neither overlap nor touch, oldest first."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            last = merged.pop()
            span = Span(last.start, max(last.end, span.end))  # noqa: PLW2901 (grown by the last)
        merged.append(span)
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Relief:
    """Ledger rows that don't count, and time in which clocks stand still."""

    rows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By dataset, the keys of the rows taken out; what refers to them goes with them."""
    spans: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self.spans) or any(self.rows.values())

    @property
    def count(self) -> int:
        """How many rows are named."""
        return sum(len(keys) for keys in self.rows.values())

    @property
    def seconds(self) -> int:
        """How much time is taken out, overlaps counted once."""
        return sum(span.seconds for span in disjoint(self.spans))

    def and_also(self, other: Relief) -> Relief:
        """Both together."""
        names = sorted({*self.rows, *other.rows})
        nobody: frozenset[str] = frozenset()
        rows = {name: self.rows.get(name, nobody) | other.rows.get(name, nobody) for name in names}
        return Relief(rows, disjoint((*self.spans, *other.spans)))


NO_RELIEF = Relief()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a relief event takes out, as claimed or as granted."""

    relief: Relief = NO_RELIEF
    excused: bool = False
    """Whether the service levels are excused as a whole."""

    def __bool__(self) -> bool:
        """Whether it takes anything out."""
        return self.excused or bool(self.relief)

    def within(self, other: Claim) -> bool:
        """Whether it asks for nothing that the other doesn't."""
        named = all(
            keys <= other.relief.rows.get(name, frozenset())
            for name, keys in self.relief.rows.items()
        )
        wider = disjoint(other.relief.spans)
        timed = all(
            any(each.start <= span.start and span.end <= each.end for each in wider)
            for span in disjoint(self.relief.spans)
        )
        return named and timed and (other.excused or not self.excused)


@dataclass(frozen=True, slots=True)
class ReliefEvent:
    """One approved relief event, as far as measuring asks."""

    reference: str
    """How it is cited, such as RE-3."""
    kind: ReliefKind
    title: str
    reason: str
    clause: str
    period: Period
    """The days that it is claimed for."""
    service_levels: frozenset[str] = frozenset()
    """Ids of the service levels that it relieves; empty is all of them."""
    relief: Relief = NO_RELIEF
    excused: bool = False
    """Whether the service levels are excused as a whole in the periods that it covers."""

    def concerns(self, service_level: str, window: Period) -> bool:
        """Whether it counts for a service level measured over those days."""
        named = not self.service_levels or service_level in self.service_levels
        return named and self.period.overlap(window.start, window.end) is not None

    def excuses(self, service_level: str, period: Period) -> bool:
        """Whether the service level is excused as a whole in a period."""
        return self.excused and self.concerns(service_level, period)


def relief_of(events: Iterable[ReliefEvent]) -> Relief:
    """What the events take out together."""
    total = NO_RELIEF
    for event in events:
        total = total.and_also(event.relief)
    return total
