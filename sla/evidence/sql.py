"""Names and literals as SQL text, and how each kind of column is read from text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from babel.core import get_global

from governance.values import known_currency
from sla.evidence.datasets import SQL_TYPES, Column, Kind

AMOUNT_PATTERN = r"[0-9]{1,14}(\.[0-9]{1,4}0*)?"
NUMBER_PATTERN = r"-?[0-9]{1,12}(\.[0-9]{1,6}0*)?"
RATE_PATTERN = r"[0-9]{1,8}(\.[0-9]{1,10}0*)?"
INDEX_PATTERN = r"[0-9]{1,12}(\.[0-9]{1,6}0*)?"
PERIOD_PATTERN = r"(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})(-(Q[1-4]|0[1-9]|1[0-2]))?"
_DAY = r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?"
TIMESTAMP_PATTERN = f"{_DAY}({_TIME})?"
ZONED_PATTERN = f"{_DAY}{_TIME}(Z|[+-]([01][0-9]|2[0-3])(:[0-9]{{2}})?)"
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Words read as such, in any case."""


def identifier(name: str) -> str:
    """A column or table name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """String constants with commas between, for IN (…)."""
    return ", ".join(literal(text) for text in texts)


def glob_literal(path: str) -> str:
    """A path as a string constant in which no character stands for other files."""
    return literal("".join(f"[{char}]" if char in "*?[" else char for char in path))


def trimmed(text: str) -> str:
    """Text without blanks at its ends, NULL where nothing is left."""
    # Trimming only what has such blanks costs a third of trimming everything.
    blank = f"prefix({text}, ' ') OR suffix({text}, ' ')"
    return f"CASE WHEN {blank} THEN nullif(trim({text}), '') ELSE {text} END"


def _when(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _decimal(text: str, pattern: str, sql_type: str) -> str:
    matches = f"regexp_full_match({text}, {literal(pattern)})"
    return _when(matches, f"TRY_CAST({text} AS {sql_type})")


def _date(text: str) -> str:
    # The cast alone reads more than ISO dates ("2013-2-8", "-013-02-08", "infinity", and the year 0
    # as one before Christ); a pattern of LIKE and a first year rule these out at half the cost of
    # a regular expression.
    day = f"left({text}, 10)"
    return (
        f"CASE WHEN {text} LIKE '____-__-__' AND {text} >= '1000' THEN TRY_CAST({text} AS DATE) "
        f"WHEN {text} LIKE '____-__-__ 00:00:00' AND {text} >= '1000' THEN TRY_CAST({day} AS DATE) "
        "END"
    )


def _timestamp(text: str, zone: str) -> str:
    at_zone = f"TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE {literal(zone)}"
    local = f"TRY_CAST({text} AS TIMESTAMP)"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(TIMESTAMP_PATTERN)}) THEN {local} "
        f"WHEN regexp_full_match({text}, {literal(ZONED_PATTERN)}) THEN {at_zone} END"
    )


def instant(text: str) -> str:
    """SQL of the instant, in UTC, of a timestamp that is written with its offset; else NULL."""
    zoned = f"regexp_full_match({text}, {literal(ZONED_PATTERN)})"
    at_utc = f"TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
    # Most files have no offsets, and the length tells so for less than a pattern.
    return f"CASE WHEN length({text}) > 16 AND {zoned} THEN {at_utc} END"


def _boolean(text: str) -> str:
    words = " ".join(f"WHEN {literal(word)} THEN {value}" for word, value in BOOLEANS.items())
    return f"CASE lower({text}) {words} END"


def currency_codes() -> tuple[str, ...]:
    """All ISO 4217 codes, also former ones, in order."""
    return tuple(sorted(code for code in get_global("all_currencies") if known_currency(code)))


def _currency(text: str) -> str:
    return _one_of(text, currency_codes())


def _one_of(text: str, words: Iterable[str]) -> str:
    # Not IN (…): that becomes a join, which doesn't keep the order of the rows.
    pattern = "|".join(re.escape(word) for word in words)
    return _when(f"regexp_full_match({text}, {literal(pattern)})", text)


def _period(text: str) -> str:
    return _when(f"regexp_full_match({text}, {literal(PERIOD_PATTERN)})", text)


def _amount(text: str) -> str:
    return _decimal(text, AMOUNT_PATTERN, SQL_TYPES[Kind.AMOUNT])


def _number(text: str) -> str:
    return _decimal(text, NUMBER_PATTERN, SQL_TYPES[Kind.NUMBER])


def _rate(text: str) -> str:
    return f"nullif({_decimal(text, RATE_PATTERN, SQL_TYPES[Kind.RATE])}, 0)"


def _index(text: str) -> str:
    return f"nullif({_decimal(text, INDEX_PATTERN, SQL_TYPES[Kind.INDEX])}, 0)"


_READERS: Mapping[Kind, Callable[[str], str]] = {
    Kind.IDENTIFIER: str,
    Kind.TEXT: str,
    Kind.AMOUNT: _amount,
    Kind.NUMBER: _number,
    Kind.RATE: _rate,
    Kind.INDEX: _index,
    Kind.DATE: _date,
    Kind.BOOLEAN: _boolean,
    Kind.CURRENCY: _currency,
    Kind.PERIOD: _period,
}


def typed(column: Column, text: str, zone: str) -> str:
    """SQL that turns the SQL text `text` into the column's type, NULL where it can't be.

    `zone` is the time zone whose local time a timestamp with an offset is converted to.
    """
    if column.kind is Kind.TIMESTAMP:
        return _timestamp(text, zone)
    if column.kind is Kind.CHOICE:
        return _one_of(text, column.choices)
    return _READERS[column.kind](text)


def absent(column: Column) -> str:
    """SQL of the column's value where a hand-in doesn't have the column."""
    return f"CAST(NULL AS {column.sql_type})"
