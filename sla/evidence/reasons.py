"""Why a value was rejected, in words that say how to write it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from governance.contract.messages import did_you_mean
from sla.evidence.datasets import Column, Kind
from sla.evidence.sql import AMOUNT_PATTERN, NUMBER_PATTERN, currency_codes

_WRONG: Mapping[Kind, str] = {
    Kind.AMOUNT: "not an amount; write 1234.56",
    Kind.NUMBER: "not a number; write 1234.56",
    Kind.RATE: "not an exchange rate; rates are above zero and written 1.0834",
    Kind.INDEX: "not an index; they are above zero, written 112.2, with six decimals at most",
    Kind.DATE: "not a date; dates are written 2013-02-28",
    Kind.TIMESTAMP: "not a timestamp; they are written 2013-02-28T14:30:00, "
    "with a zone as 2013-02-28T14:30:00+01:00",
    Kind.BOOLEAN: "neither true nor false",
    Kind.PERIOD: "not a period; write 2026-01",
    Kind.CURRENCY: "not an ISO 4217 currency code such as EUR",
}


def reason_of(column: Column, value: str, expected: str = "") -> str:
    """Why `value` can't stand in the column; an empty `value` is a missing one.

    `expected` says what an import profile accepts, in place of the usual form.
    """
    if not value:
        return "empty, but every row needs one"
    if expected:
        return f"not {expected}"
    match column.kind:
        case Kind.AMOUNT | Kind.NUMBER:
            return _decimal_reason(column.kind, value)
        case Kind.CURRENCY:
            return _WRONG[Kind.CURRENCY] + did_you_mean(value, currency_codes())
        case Kind.CHOICE:
            return f"not one of {', '.join(column.choices)}{did_you_mean(value, column.choices)}"
        case kind:
            return _WRONG.get(kind, "can't be read")


def _decimal_reason(kind: Kind, value: str) -> str:
    pattern = AMOUNT_PATTERN if kind is Kind.AMOUNT else NUMBER_PATTERN
    if kind is Kind.AMOUNT and re.fullmatch(pattern, value.removeprefix("-")):
        return "negative; amounts are positive, the column says the direction"
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        places, digits = (4, 14) if kind is Kind.AMOUNT else (6, 12)
        return f"more than {places} decimals, or more than {digits} digits before them"
    return _WRONG[kind]


def reason_not_before(earlier: str) -> str:
    """Why a moment can't stand where it does."""
    return f"before '{earlier}' of the same row"


def reason_repeated(first_row: int, *, same: bool) -> str:
    """Why a second row of the same key is rejected; `same` where all its values are those."""
    if same:
        return f"given twice; the same as row {first_row}"
    return f"given twice; row {first_row} has other values"


def reason_unknown(dataset: str) -> str:
    """Why a reference is rejected that leads nowhere."""
    return f"refers to a row that '{dataset}' doesn't have"


def reason_follows(dataset: str) -> str:
    """Why a row is rejected whose referenced row is rejected."""
    return f"refers to a row of '{dataset}' that is itself rejected"
