"""Quantities from what a meter's figure yields, or from single rows of its drill-down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from billing.charges.values import Meter, MeteredAmount
from billing.metering.definitions import MeterDefinition, MeterKind
from billing.metering.rows import Found
from governance.values import EXACT, round_half_up

_QUANTITY_DECIMALS = 12
"""Quantities by role that don't terminate are cut here: far below a cent at any price."""


def quantity_of_figure(definition: MeterDefinition, figure: Sequence[Mapping[str, Any]]) -> Meter:
    """What a meter counts, from the rows that its figure's query yields."""
    match definition.kind:
        case MeterKind.COUNT:
            return Decimal(figure[0]["quantity"])
        case MeterKind.AMOUNTS:
            return tuple(
                MeteredAmount(row["amount"], row["age_days"], int(row["ledger_rows"]))
                for row in figure
            )
        case MeterKind.BY_ROLE:
            return {row["role"]: _divided(row["quantity"], row["divisor"]) for row in figure}


def quantity_of_rows(
    definition: MeterDefinition, found: Sequence[Found], figure: Sequence[Mapping[str, Any]]
) -> Meter:
    """What some of a meter's rows come to, as its figure would say of them alone.

    `figure` is that of all rows: it knows the roles, and what their quantities are divided by.
    """
    match definition.kind:
        case MeterKind.COUNT:
            return Decimal(len(found))
        case MeterKind.AMOUNTS:
            return _amounts(definition, found)
        case MeterKind.BY_ROLE:
            return _by_role(found, figure)


def _amounts(definition: MeterDefinition, found: Sequence[Found]) -> tuple[MeteredAmount, ...]:
    """Equal amounts of one day and age together, day by day as the figures put them in order."""
    equal = Counter(
        (
            one.cells[definition.day],
            one.cells["age_days"],
            one.cells["amount"],
        )
        for one in found
    )
    # A payment on an invoice that evidence lacks has no age: it stands after those that have.
    ordered = sorted(equal, key=lambda key: (key[0], key[1] is None, key[1] or 0, key[2]))
    return tuple(
        MeteredAmount(amount, age, equal[day, age, amount]) for day, age, amount in ordered
    )


def _by_role(found: Sequence[Found], figure: Sequence[Mapping[str, Any]]) -> Mapping[str, Decimal]:
    """Each row is a day on which a person worked in the role."""
    worked = {str(row["role"]): Decimal(0) for row in figure}
    for one in found:
        worked[one.cells["role"]] += one.cells["fte"]
    divisors = {row["role"]: row["divisor"] for row in figure}
    return {role: _divided(quantity, divisors[role]) for role, quantity in worked.items()}


def _divided(quantity: Decimal, divisor: int) -> Decimal:
    with localcontext(EXACT):
        return round_half_up(quantity / divisor, _QUANTITY_DECIMALS)
