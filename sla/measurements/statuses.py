"""Where a value stands against what was promised."""

from __future__ import annotations

from decimal import Decimal

from governance.contract.kpi_signature import Direction
from sla.measurements.values import Status


def status_of(
    value: Decimal | None, expected: Decimal, minimum: Decimal | None, direction: Direction
) -> Status:
    """Where a value, already rounded as the contract says, stands.

    At expected it is met, at the minimum still only below expected. Without a minimum any miss
    is below the minimum. None is no data.
    """
    if value is None:
        return Status.NO_DATA
    if _at_or_better(value, expected, direction):
        return Status.MET
    if minimum is not None and _at_or_better(value, minimum, direction):
        return Status.BELOW_EXPECTED
    return Status.BELOW_MINIMUM


def _at_or_better(value: Decimal, bound: Decimal, direction: Direction) -> bool:
    return value >= bound if direction is Direction.HIGHER_IS_BETTER else value <= bound
