"""What a service level promises in a month: by its ramp, its ratchet, or as stated."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from governance.contract.service_levels import ServiceLevel
from governance.values import Period
from sla.measurements.ratchet import Promise


@dataclass(frozen=True, slots=True)
class Targets:
    """The two bounds that a value is held against."""

    expected: Decimal
    minimum: Decimal | None


def targets_on(level: ServiceLevel, period: Period, promise: Promise | None = None) -> Targets:
    """The targets of a period: those of its last month, by the ramp or the usual ones.

    `promise` is where the ratchet has come to by then; None leaves what the contract states. The
    ratchet raises `expected` alone. A month of the ramp that names no minimum keeps the service
    level's own.
    """
    target = (level.ramp or {}).get(f"{period.end:%Y-%m}")
    if target is None:
        return Targets(level.expected if promise is None else promise.expected, level.minimum)
    minimum = level.minimum if target.minimum is None else target.minimum
    return Targets(target.expected, minimum)


def promised_in(
    level: ServiceLevel, period: Period, promise: Promise | None = None
) -> ServiceLevel:
    """The service level with the targets of a period as its own."""
    targets = targets_on(level, period, promise)
    if (targets.expected, targets.minimum) == (level.expected, level.minimum):
        return level
    update = {"expected": targets.expected, "minimum": targets.minimum}
    return level.model_copy(update=update)


def why_risen(level: ServiceLevel, period: Period, promise: Promise | None) -> str:
    """How the ratchet came to the promise of a period; empty where it hasn't risen or a ramp's
    month holds."""
    in_ramp = f"{period.end:%Y-%m}" in (level.ramp or {})
    return "" if promise is None or in_ramp else promise.why
