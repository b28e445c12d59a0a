"""Meters by their names: a whole meter, or a part of it (invoices_issued/email)."""

from __future__ import annotations

from billing.metering.catalogue import load_meters
from billing.metering.definitions import MeterDefinition
from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem

_PART = "/"


def base_of(name: str) -> str:
    """The meter's own name, without the part that is asked for."""
    return name.partition(_PART)[0]


def find_meter(name: str) -> MeterDefinition | None:
    """The definition behind a meter's name, whole or in part; None where there is none."""
    return load_meters().get(base_of(name))


def meter_named(name: str) -> tuple[MeterDefinition, str]:
    """The definition behind a meter's name, and the part asked for (small letters; empty for all).

    Raises BadInput for an unknown meter, naming those there are, and for a part of a meter that
    has none.
    """
    base, slash, part = name.partition(_PART)
    meters = load_meters()
    if base not in meters:
        raise BadInput.one(
            Problem(
                f"'{name}' is no meter that is counted from evidence{did_you_mean(base, meters)}",
                found=name,
                allowed=f"one of {', '.join(meters)}; or `plumbline price` with a usage document",
            )
        )
    definition = meters[base]
    if slash and not (definition.by and part):
        parted = ", ".join(f"{one.name}/…" for one in meters.values() if one.by)
        raise BadInput.one(
            Problem(
                f"the meter {base} has no part '{part}'",
                found=name,
                allowed=f"{base}{f'/ and a {definition.by}' if definition.by else ''};"
                f" parts have {parted}",
            )
        )
    return definition, part.lower()
