"""What a service level promises in a month: its ramp's targets where it has them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from governance.contract.service_levels import ServiceLevel
from governance.values import Period


@dataclass(frozen=True, slots=True)
class Targets:
    """The two bounds that a value is held against."""

    expected: Decimal
    minimum: Decimal | None


def targets_on(level: ServiceLevel, period: Period) -> Targets:
    """The targets of a period: those of its last month, by the ramp or the usual ones.

    A month of the ramp that names no minimum keeps the service level's own.
    """
    target = (level.ramp or {}).get(f"{period.end:%Y-%m}")
    if target is None:
        return Targets(level.expected, level.minimum)
    minimum = level.minimum if target.minimum is None else target.minimum
    return Targets(target.expected, minimum)


def promised_in(level: ServiceLevel, period: Period) -> ServiceLevel:
    """The service level with the targets of a period as its own."""
    targets = targets_on(level, period)
    if (targets.expected, targets.minimum) == (level.expected, level.minimum):
        return level
    update = {"expected": targets.expected, "minimum": targets.minimum}
    return level.model_copy(update=update)
