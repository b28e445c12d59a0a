"""The metered quantities that a charge asks for; one that is absent is never taken for zero."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal

from billing.charges.values import Meter, MeteredAmount, Usage
from governance.errors import BadInput, Problem
from governance.values import summed


def quantity(charge: str, meter: str, usage: Usage) -> Decimal:
    """A count, at least zero. Raises BadInput naming charge and meter."""
    value = _value(charge, meter, usage)
    if not isinstance(value, Decimal):
        raise _unfit(charge, meter, value, "one number")
    if value < 0:
        raise BadInput.one(
            Problem(
                f"charge {charge} can't price a negative {meter}",
                column=f"meters.{meter}",
                found=f"{value:f}",
                allowed="zero or more",
            )
        )
    return value


def quantities(charge: str, meter: str, usages: Iterable[Usage]) -> Decimal:
    """Sum of the counts of several usages. Raises BadInput as `quantity` does."""
    return summed(quantity(charge, meter, usage) for usage in usages)


def amounts(charge: str, meter: str, usage: Usage) -> tuple[MeteredAmount, ...]:
    """Transactions in the order given; one plain number is one transaction, zero is none.

    Debts that were recalled unpaid are no transactions. Raises BadInput naming charge and meter.
    """
    return tuple(one for one in entries(charge, meter, usage) if not one.recalled)


def entries(charge: str, meter: str, usage: Usage) -> tuple[MeteredAmount, ...]:
    """Transactions and recalls together. Raises BadInput as `amounts` does."""
    value = _value(charge, meter, usage)
    if isinstance(value, Decimal):
        return (MeteredAmount(value),) if value else ()
    if not isinstance(value, tuple):
        raise _unfit(charge, meter, value, "one amount or a list of amounts")
    return value


def total(charge: str, meter: str, usage: Usage) -> Decimal:
    """A number of any sign, or the sum of amounts. Raises BadInput naming charge and meter."""
    return total_of(amounts(charge, meter, usage))


def total_of(transactions: tuple[MeteredAmount, ...]) -> Decimal:
    """Sum of the amounts."""
    return summed(one.amount * one.count for one in transactions)


def by_role(
    charge: str, meter: str, usage: Usage, roles: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """The quantity of every priced role; roles that the charge doesn't price are left out.

    One plain number serves a charge with a single role. Raises BadInput for a role without
    a quantity: a role that nobody filled is stated as 0.
    """
    value = _value(charge, meter, usage)
    if isinstance(value, Decimal) and len(roles) == 1:
        value = dict.fromkeys(roles, value)
    if not isinstance(value, Mapping):
        raise _unfit(charge, meter, value, "a quantity for every role")
    problems = [
        *(_missing_role(charge, meter, role, value) for role in roles if role not in value),
        *(
            Problem(
                f"charge {charge} can't price a negative {meter}",
                column=f"meters.{meter}.{role}",
                found=f"{value[role]:f}",
                allowed="zero or more",
            )
            for role in roles
            if role in value and value[role] < 0
        ),
    ]
    if problems:
        raise BadInput(problems)
    return {role: value[role] for role in roles}


def _value(charge: str, meter: str, usage: Usage) -> Meter:
    if meter in usage.meters:
        return usage.meters[meter]
    given = ", ".join(sorted(usage.meters)) or "none"
    raise BadInput.one(
        Problem(
            f"charge {charge} needs the meter {meter}, which the usage doesn't give",
            column=f"meters.{meter}",
            allowed=f"its quantity, 0 if there was nothing; given are {given}"
            f"{_nearest(meter, usage.meters)}",
        )
    )


def _missing_role(charge: str, meter: str, role: str, given: Mapping[str, Decimal]) -> Problem:
    return Problem(
        f"charge {charge} needs the {meter} of the role {role}, which the usage doesn't give",
        column=f"meters.{meter}.{role}",
        allowed=f"its quantity, 0 if nobody worked in it{_nearest(role, given)}",
    )


def _nearest(name: str, given: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(given), 1)
    return f"; nearest is {near[0]}" if near else ""


def _unfit(charge: str, meter: str, value: Meter, wanted: str) -> BadInput:
    kinds = "a list of amounts" if isinstance(value, tuple) else "quantities by role"
    return BadInput.one(
        Problem(
            f"charge {charge} can't price the meter {meter} as it is given",
            column=f"meters.{meter}",
            found="one number" if isinstance(value, Decimal) else kinds,
            allowed=wanted,
        )
    )
