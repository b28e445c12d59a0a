"""Which version of the contract governs a day, and on which days a service level is in force.

The version in force on a period's last day governs its service levels over their whole windows.
Earlier versions say when a service level was added, and under which terms the days before an
amendment stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from governance.contract.document import Contract
from governance.contract.service_levels import ServiceLevel
from governance.values import Period

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a contract that both sides agreed to."""

    number: int | None
    """None for a document that was read from a file."""
    sha256: str
    effective_from: date
    contract: Contract

    def level(self, service_level: str) -> ServiceLevel | None:
        """The service level of that id; None where this version has none."""
        levels = (one for one in self.contract.service_levels if one.id == service_level)
        return next(levels, None)


@dataclass(frozen=True, slots=True)
class Reign:
    """The days on which a version is in force."""

    version: Version
    days: Period


def version_on(versions: Sequence[Version], day: date) -> Version | None:
    """The version in force on a day: the latest effective date, then the highest number."""
    governing = [one for one in versions if one.effective_from <= day]
    return max(governing, key=_rank, default=None)


def _rank(version: Version) -> tuple[date, int]:
    return version.effective_from, version.number or 0


def reigns(versions: Sequence[Version], until: date) -> tuple[Reign, ...]:
    """One after the other, oldest first, the days on which each version is in force."""
    days = sorted({one.effective_from for one in versions if one.effective_from <= until})
    ends = [following - _ONE_DAY for following in days[1:]] + [until]
    found = []
    for start, end in zip(days, ends, strict=True):
        version = version_on(versions, start)
        if version is not None:
            found.append(Reign(version, Period(start, end)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Tenure:
    """How long a service level has been in force, by the end of a period."""

    level: ServiceLevel
    """Its terms under the version that governs it."""
    version: Version
    added_on: date | None
    """First day in force, where that is not the contract's own first day."""
    ended_on: date | None
    """Last day in force, where that lies before the period's last day."""
    earlier: tuple[Reign, ...] = ()
    """Versions with other terms for it, before the one that governs, oldest first."""

    def days_of(self, window: Period) -> Period | None:
        """The days of a window on which it is in force; None without any."""
        return window.overlap(self.added_on, self.ended_on)


def tenures(versions: Sequence[Version], period: Period) -> tuple[Tenure, ...]:
    """The service levels in force on some day of a period, in the contract's order.

    First those of the version that governs on the last day, then those that ended before.
    """
    timeline = reigns(versions, period.end)
    found: dict[str, Tenure] = {}
    for position in range(len(timeline) - 1, -1, -1):
        reign = timeline[position]
        if reign.days.end < period.start:
            break
        for level in reign.version.contract.service_levels:
            if level.id not in found:
                found[level.id] = _tenure(level, timeline[: position + 1], period)
    return tuple(one for one in found.values() if one.days_of(period) is not None)


def _tenure(level: ServiceLevel, timeline: Sequence[Reign], period: Period) -> Tenure:
    held = list(_held_by(level.id, timeline))
    last, first = held[0], held[-1]
    ends = [last.days.end, *([level.ends] if level.ends else [])]
    ended = min(ends)
    return Tenure(
        level=level,
        version=last.version,
        added_on=None if first.days.start == timeline[0].days.start else first.days.start,
        ended_on=ended if ended < period.end else None,
        earlier=tuple(one for one in reversed(held[1:]) if _differs(one.version, level)),
    )


def _held_by(service_level: str, timeline: Sequence[Reign]) -> Iterator[Reign]:
    """The versions that have the service level, newest first, as far as none without it stands
    between."""
    for reign in reversed(timeline):
        if reign.version.level(service_level) is None:
            return
        yield reign


def _differs(version: Version, level: ServiceLevel) -> bool:
    """Whether a version measures the service level by other terms: titles and clauses are none."""
    earlier = version.level(level.id)
    return earlier is not None and _terms(earlier) != _terms(level)


def _terms(level: ServiceLevel) -> tuple[object, ...]:
    return (
        level.kpi,
        level.parameters,
        level.window,
        level.expected,
        level.minimum,
        level.ramp,
        level.round_to,
    )
