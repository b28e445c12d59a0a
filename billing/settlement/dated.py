"""What evidence says of days besides the ledger: indices, and milestones that were reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from billing.charges.values import IndexValue
from billing.indexation_series import IndexSeries
from governance.errors import BadInput, Problem
from governance.values import plain

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

INDICES = "indices"
MILESTONES = "milestones"
_INDICES = 'SELECT series, "from" AS since, value FROM indices ORDER BY series, since'
_MILESTONES = (
    "SELECT milestone, reached_on FROM milestones WHERE reached_on <= $until ORDER BY milestone"
)


def index_series(ledger: Ledger) -> Mapping[str, IndexSeries]:
    """All series of the dataset `indices` by name; none where it wasn't handed in."""
    rows = ledger.execute(_INDICES, {}).rows
    return {
        name: IndexSeries(
            name, tuple(IndexValue(since, Decimal(plain(value))) for _, since, value in group)
        )
        for name, group in groupby(rows, key=lambda row: str(row[0]))
    }


def milestones_reached(ledger: Ledger, until: date) -> Mapping[str, date]:
    """By milestone, the day on which it was reached, of those reached by a day."""
    return dict(ledger.execute(_MILESTONES, {"until": until}).rows)


def require_milestones(ledger: Ledger, whom: str, column: str) -> None:
    """BadInput where the dataset wasn't handed in: that is never a milestone missed."""
    if MILESTONES not in ledger.handed_in:
        raise BadInput.one(
            Problem(
                f"{whom} needs the dataset {MILESTONES}, which was not handed in",
                column=column,
                allowed="evidence with milestones and the days on which they were reached; a file"
                " without rows says that none was",
            )
        )
