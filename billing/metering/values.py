"""What of a meter a period bills besides its own rows, and what it leaves to other invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billing.metering.rows import Row
from governance.tables import canonical_json, digest
from governance.values import Period
from sla.kpis.serialise import period_json


@dataclass(frozen=True, slots=True)
class LateRows:
    """Rows of an earlier, sealed period that came too late for its invoice."""

    period: Period
    """The period that was settled without them."""
    window: Period
    """The days over which its invoice counted the meter."""
    rows: tuple[Row, ...]

    @property
    def label(self) -> str:
        """How the earlier period is cited: 2026-03, or 2026-Q1 where it was invoiced as a whole."""
        whole = self.window in {Period.months_ending(self.window.end, 3), _year(self.window)}
        return self.window.label if whole else self.period.label

    @property
    def sha256(self) -> str:
        """Digest of the rows, as they are stated in a settlement's inputs."""
        return digest(canonical_json(rows_json(self.rows)))


@dataclass(frozen=True, slots=True)
class MeterShare:
    """What one period bills of one meter."""

    without: tuple[Row, ...] = ()
    """Rows dated in the period that another sealed period's invoice bills."""
    late: tuple[LateRows, ...] = ()
    """Rows of earlier periods that no other invoice bills, oldest period first."""

    def __bool__(self) -> bool:
        """Whether anything differs from counting the period's own rows."""
        return bool(self.without or self.late)


def _year(window: Period) -> Period:
    return Period.months_ending(window.end, 12)


NO_SHARE = MeterShare()


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Late rows that no invoice bills, since no charge of the next period prices their meter."""

    meter: str
    label: str
    """The earlier period."""
    rows: int


@dataclass(frozen=True, slots=True)
class Metering:
    """What a settled period bills of each meter, and what that was decided from."""

    shares: Mapping[str, MeterShare] = field(default_factory=dict)
    """By meter; those that simply count the period's own rows are left out."""
    seals: tuple[int, ...] = ()
    """The measured periods whose seals were looked at: the last of every other period."""
    unpriced: tuple[Unpriced, ...] = ()
    """What waits for a restatement of its own period; it changes no figure."""

    def of(self, meter: str) -> MeterShare:
        """What the period bills of a meter."""
        return self.shares.get(meter, NO_SHARE)


NO_METERING = Metering()


def metering_json(metering: Metering) -> dict[str, Any]:
    """As a settlement's inputs keep it."""
    unpriced = [[one.meter, one.label, one.rows] for one in metering.unpriced]
    return {
        "seals": list(metering.seals),
        **({"unpriced": unpriced} if unpriced else {}),
        "meters": {
            name: {
                "without": rows_json(share.without),
                "late": [_late_json(one) for one in share.late],
            }
            for name, share in sorted(metering.shares.items())
        },
    }


def _late_json(late: LateRows) -> dict[str, Any]:
    return {
        "period": period_json(late.period),
        "window": period_json(late.window),
        "rows": rows_json(late.rows),
        "sha256": late.sha256,
    }


def rows_json(rows: Iterable[Row]) -> list[Any]:
    """A row as its names; with amounts and number where it needs them to be known again."""
    return [_row_json(row) for row in rows]


def _row_json(row: Row) -> Any:
    if not row.amounts and row.number == 1:
        return list(row.names)
    return {"names": list(row.names), "amounts": list(row.amounts), "number": row.number}


def metering_stated(stated: Mapping[str, Any] | None) -> Metering:
    """What `metering_json` was made from; nothing where it wasn't kept yet."""
    if stated is None:
        return NO_METERING
    return Metering(
        {name: share_stated(one) for name, one in stated["meters"].items()},
        tuple(stated["seals"]),
        tuple(Unpriced(*one) for one in stated.get("unpriced", ())),
    )


def share_stated(stated: Mapping[str, Any]) -> MeterShare:
    """One meter's part of it."""
    return MeterShare(
        _rows_stated(stated["without"]),
        tuple(
            LateRows(
                period_stated(one["period"]),
                period_stated(one["window"]),
                _rows_stated(one["rows"]),
            )
            for one in stated["late"]
        ),
    )


def _rows_stated(stated: Iterable[Any]) -> tuple[Row, ...]:
    return tuple(
        Row(tuple(one))
        if isinstance(one, list)
        else Row(tuple(one["names"]), tuple(one["amounts"]), one["number"])
        for one in stated
    )


def period_stated(stated: Mapping[str, str]) -> Period:
    """What `period_json` was made from."""
    return Period(date.fromisoformat(stated["start"]), date.fromisoformat(stated["end"]))
