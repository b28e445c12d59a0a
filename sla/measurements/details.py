"""What a measurement carries besides its figure, as JSON and back, digit for digit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from governance.values import Period, plain
from sla.kpis.serialise import period_json
from sla.measurements.values import (
    Computed,
    EarlierTerms,
    RatchetPromise,
    Status,
    WithoutRelief,
)


def exact_text(value: Decimal | None) -> str | None:
    """A decimal as text with all its digits; None stays None."""
    return None if value is None else plain(value)


def exact(text: str | None) -> Decimal | None:
    """The decimal that a text was made from."""
    return None if text is None else Decimal(text)


def without_relief_json(one: WithoutRelief) -> dict[str, Any]:
    """The result without relief, and how much was taken out."""
    return {
        "unrounded": exact_text(one.unrounded),
        "value": _as_compared(one.value),
        "status": one.status.value,
        "numerator": exact_text(one.numerator),
        "denominator": exact_text(one.denominator),
        "rows": one.rows,
        "events": [*one.events],
        "rows_out": one.rows_out,
        "seconds_out": one.seconds_out,
    }


def without_relief_of(stored: Mapping[str, Any]) -> WithoutRelief:
    """What `without_relief_json` was made from."""
    return WithoutRelief(
        unrounded=exact(stored["unrounded"]),
        value=exact(stored["value"]),
        status=Status(stored["status"]),
        numerator=exact(stored["numerator"]),
        denominator=exact(stored["denominator"]),
        rows=stored["rows"],
        events=tuple(stored["events"]),
        rows_out=stored["rows_out"],
        seconds_out=stored["seconds_out"],
    )


def computed_json(one: Computed) -> dict[str, Any]:
    """What was measured, where both sides decided on another value."""
    return {
        "value": _as_compared(one.value),
        "status": one.status.value,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
    }


def computed_of(stored: Mapping[str, Any]) -> Computed:
    """What `computed_json` was made from."""
    value, status = exact(stored["value"]), Status(stored["status"])
    return Computed(value, status, stored["reason"], stored["proposed_by"])


def earlier_terms_json(one: EarlierTerms) -> dict[str, Any]:
    """The days before the terms changed, by the terms of then."""
    return {
        "contract_version": one.contract_version,
        "contract_sha256": one.contract_sha256,
        "days": period_json(one.days),
        "unrounded": exact_text(one.unrounded),
        "value": _as_compared(one.value),
        "expected": _as_compared(one.expected),
        "minimum": _as_compared(one.minimum),
        "status": one.status.value,
        "rows": one.rows,
    }


def earlier_terms_of(stored: Mapping[str, Any]) -> EarlierTerms:
    """What `earlier_terms_json` was made from."""
    return EarlierTerms(
        contract_version=stored["contract_version"],
        contract_sha256=stored["contract_sha256"],
        days=_period(stored["days"]),
        unrounded=exact(stored["unrounded"]),
        value=exact(stored["value"]),
        expected=Decimal(stored["expected"]),
        minimum=exact(stored["minimum"]),
        status=Status(stored["status"]),
        rows=stored["rows"],
    )


def promise_json(one: RatchetPromise) -> dict[str, Any]:
    """How a promise rose, and the values that it rose with."""
    values = [{**period_json(period), "value": _as_compared(value)} for period, value in one.values]
    return {"why": one.why, "values": values}


def promise_of(stored: Mapping[str, Any]) -> RatchetPromise:
    """What `promise_json` was made from."""
    values = ((_period(each), Decimal(each["value"])) for each in stored["values"])
    return RatchetPromise(stored["why"], tuple(values))


def _period(stored: Mapping[str, str]) -> Period:
    return Period(date.fromisoformat(stored["start"]), date.fromisoformat(stored["end"]))


def _as_compared(value: Decimal | None) -> str | None:
    """With the decimals that it was rounded to or written with."""
    return None if value is None else format(value, "f")
