"""How an unknown file writes dates, numbers and identifiers; what is ambiguous is asked."""

# ruff: noqa: S608 (Names come from the source, texts pass through sql.literal.)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sla.evidence.proposal_columns import SAMPLED, Desk
from sla.evidence.proposal_decisions import Decisions, Found
from sla.evidence.proposal_names import SAP_CUSTOMER_DIGITS, SAP_NAMES, plain
from sla.evidence.proposal_values import Confidence, Option, Preview, Trouble
from sla.evidence.sql import literal

ROWS_NAMED = 10
"""Rows that a trouble lists."""
_DAYS = ("%Y{0}%m{0}%d", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y")
_WRITTEN = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%Y%m%d")
_TIMES = (
    (r"T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})", "T%H:%M:%S%z"),
    (r" \d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})", " %H:%M:%S%z"),
    (r"[T ]\d{2}:\d{2}:\d{2}\.\d{7,9}", " %H:%M:%S.%n"),
    (r"[T ]\d{2}:\d{2}:\d{2}\.\d{1,6}", " %H:%M:%S.%f"),
    (r"T\d{2}:\d{2}:\d{2}", "T%H:%M:%S"),
    (r" \d{1,2}:\d{2}:\d{2}", " %H:%M:%S"),
    (r" \d{1,2}:\d{2}", " %H:%M"),
)
_WORDS = {
    "%Y": "year",
    "%y": "year of two digits",
    "%m": "month",
    "%d": "day",
    "%b": "month's name",
}


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a column of dates, and how many rows it reads."""

    format: str
    rows: int


def date_format(
    desk: Desk, column: str, decisions: Decisions, troubles: list[Trouble]
) -> str | None:
    """The format of a column of dates; None while it must be asked."""
    readings = _readings(desk, column)
    filled = desk.facts[column].filled
    if not readings:
        found = Found(None, Confidence.OPEN, f"no usual format reads the values of '{column}'")
    else:
        found = _judged(desk, readings, filled)
        if readings[0].rows < filled:
            troubles.append(_unread(desk, column, readings[0].format))
    options = [_option(desk, each, readings, filled) for each in readings]
    question = f"How are the dates in '{column}' written?"
    key = f"date_format.{column}"
    return decisions.decide(key, question, options, found, group="formats", free=True)


_DATES = "dates_of_column"
"""Table of the values of one column that differ, with their rows: dates repeat a lot."""


def _readings(desk: Desk, column: str) -> list[_Reading]:
    text = desk.text(column)
    desk.connection.execute(
        f"CREATE OR REPLACE TABLE {_DATES} AS SELECT {text} AS held, count(*) AS rows, "
        f"min(rowid) AS line FROM {desk.table} WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY line"
    )
    formats = _candidates(desk.facts[column].examples)
    likely = _reading_any(desk, formats, "true")
    unread = " AND ".join(f"NOT coalesce({_read(each)}, false)" for each in likely) or "true"
    likely += [each for each in _reading_any(desk, formats, unread) if each not in likely]
    counted = ", ".join(f"sum(rows) FILTER (WHERE {_read(each)})" for each in likely) or "0"
    counts = desk.held(f"SELECT {counted} FROM {_DATES}")[0]
    found = [
        _Reading(each, int(str(rows or 0))) for each, rows in zip(likely, counts, strict=False)
    ]
    return sorted(found, key=lambda each: -each.rows)


def _reading_any(desk: Desk, formats: Sequence[str], condition: str) -> list[str]:
    """The formats that read any of some values; counting all of them for each would be slow."""
    counted = ", ".join(f"count(*) FILTER (WHERE {_read(each)})" for each in formats)
    some = (
        f"(FROM {_DATES} WHERE {condition} USING SAMPLE reservoir({SAMPLED} ROWS) REPEATABLE (1))"
    )
    (counts,) = desk.held(f"SELECT {counted} FROM {some}")
    return [each for each, rows in zip(formats, counts, strict=True) if rows]


def _candidates(examples: Sequence[str]) -> list[str]:
    """Formats that any example could be of; the time of day is that of the first with one."""
    times = {_time_of(example) for example in examples}
    marks = {mark for example in examples for mark in re.findall(r"^\d+([-./])\d", example)}
    days = [day.format(mark) for mark in sorted(marks) for day in _DAYS]
    # The same column may hold other writings further down; they must show as troubles.
    days += [day for day in _WRITTEN if day not in days]
    days += [day.format(mark) for mark in "-./" if mark not in marks for day in _DAYS[:3]]
    return [day + time for day in days for time in sorted(times)]


def _time_of(example: str) -> str:
    for pattern, stated in _TIMES:
        if re.search(rf"\d{pattern}$", example):
            return stated
    return ""


def _parsed(stated: str) -> str:
    return f"try_strptime(held, {literal(stated)})"


def _read(stated: str) -> str:
    # The engine reads "1/2/13" by %Y as the year 13, which nobody means.
    return f"year({_parsed(stated)}) >= 1000"


def _judged(desk: Desk, readings: Sequence[_Reading], filled: int) -> Found:
    best = readings[0]
    rivals = [each for each in readings[1:] if each.rows == best.rows]
    if any(_examples(desk, best.format, rival.format) for rival in rivals):
        reason = f"{best.rows} of {filled} values fit both, and none of them decides it"
        return Found(None, Confidence.OPEN, reason)
    if best.rows == filled:
        return Found(best.format, Confidence.CERTAIN, f"it alone reads all {filled} values")
    reason = (
        f"the column mixes ways of writing dates: {_in_words(best.format)} reads {best.rows} of "
        f"{filled} values; the rows of the others will be rejected"
    )
    return Found(None, Confidence.OPEN, reason)


def _examples(desk: Desk, stated: str, other: str | None = None) -> list[str]:
    """Two values that a format reads, where `other` is given differently from it."""
    differ = f" AND {_parsed(stated)} <> {_parsed(other)}" if other else ""
    found = desk.held(
        f"SELECT held FROM {_DATES} WHERE {_read(stated)}{differ} ORDER BY line LIMIT 2"
    )
    return [str(value) for (value,) in found]


def _unread(desk: Desk, column: str, stated: str) -> Trouble:
    text = desk.text(column)
    found = desk.held(
        f"SELECT rowid + 1, {text} FROM {desk.table} WHERE {text} IN (SELECT held FROM {_DATES} "
        f"WHERE NOT coalesce({_read(stated)}, false)) ORDER BY rowid LIMIT {ROWS_NAMED}"
    )
    rows = tuple((int(str(row)), str(value)) for row, value in found)
    named = ", ".join(str(row) for row, _ in rows)
    message = f"'{column}' holds values that aren't {_in_words(stated)}, as in the rows {named}"
    return Trouble(message, column, rows)


def _option(desk: Desk, reading: _Reading, readings: Sequence[_Reading], filled: int) -> Option:
    rivals = [each.format for each in readings if each is not reading]
    examples = (_examples(desk, reading.format, rivals[0]) if rivals else []) or _examples(
        desk, reading.format
    )
    preview = tuple(_preview(desk, example, reading.format) for example in examples)
    evidence = f"reads {reading.rows} of {filled} values"
    return Option(reading.format, _in_words(reading.format), preview, evidence)


def _preview(desk: Desk, written: str, stated: str) -> Preview:
    found = desk.connection.execute(
        f"SELECT strftime(CAST(try_strptime({literal(written)}, {literal(stated)}) AS TIMESTAMP), "
        "'%-d %B %Y')"
    ).fetchone()
    return Preview(written, str(found[0]) if found and found[0] else "can't be read")


def _in_words(stated: str) -> str:
    """A format as people say it: "day-month-year"."""
    day = re.split(r"[T ]%H", stated)[0]
    words = re.sub(r"%[Yymdb]", lambda match: _WORDS[match[0]], day)
    return words + (" with the time" if "%H" in stated else "")


_MARKS = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (".", " "))
_NEGATIVES = {
    "minus": "before the number (-12.50)",
    "trailing_minus": "after the number (12.50-)",
    "brackets": "brackets (12.50)",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a file writes numbers."""

    decimal_mark: str = "."
    thousands_mark: str = ""
    negatives: str = "minus"
    marks: tuple[str, ...] = ()


def number_format(desk: Desk, columns: Sequence[str], decisions: Decisions) -> Numbers | None:
    """How the amounts are written; None while it must be asked."""
    texts = [column for column in columns if desk.source.types[column] == "VARCHAR"]
    if not texts:
        return Numbers()
    extra = _extra_marks(desk, texts)
    negatives = _negatives(desk, texts)
    bare = {column: _bare(desk.text(column), extra) for column in texts}
    counts = desk.counts([_fits(text, marks) for marks in _MARKS for text in bare.values()])
    width = len(texts)
    read = {
        marks: sum(counts[place * width : (place + 1) * width])
        for place, marks in enumerate(_MARKS)
    }
    chosen = _decided_marks(desk, bare, read, decisions)
    return None if chosen is None else Numbers(chosen[0], chosen[1:], negatives, extra)


def _extra_marks(desk: Desk, columns: Sequence[str]) -> tuple[str, ...]:
    signs = r"[$€£¥]|[A-Z]{3}"
    found: set[str] = set()
    for column in columns:
        for example in desk.examples(column, f"regexp_matches({desk.text(column)}, '{signs}')", 20):
            found.update(re.findall(signs, example))
    return tuple(sorted(found))


def _negatives(desk: Desk, columns: Sequence[str]) -> str:
    for name, pattern in (("trailing_minus", "%-"), ("brackets", "(%)")):
        if any(desk.counts([f"{desk.text(column)} LIKE '{pattern}'" for column in columns])):
            return name
    return "minus"


def _bare(text: str, extra: Sequence[str]) -> str:
    """The digits and their marks alone."""
    for mark in extra:
        text = f"replace({text}, {literal(mark)}, '')"
    return f"trim(regexp_replace({text}, '^[-(]|[-)]$', '', 'g'))"


def _fits(text: str, marks: tuple[str, str]) -> str:
    decimal, thousands = marks
    grouped = f"[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
    pattern = f"({grouped}[0-9]+)({re.escape(decimal)}[0-9]+)?"
    return f"regexp_full_match({text}, {literal(pattern)})"


def _decided_marks(
    desk: Desk,
    bare: dict[str, str],
    read: dict[tuple[str, str], int],
    decisions: Decisions,
) -> str | None:
    filled = sum(desk.facts[column].filled for column in bare)
    most = max(read.values())
    best = [marks for marks in _MARKS if read[marks] == most]
    marked = sum(desk.counts([f"regexp_matches({text}, '[.,]')" for text in bare.values()]))
    if len({decimal for decimal, _ in best}) > 1 and marked:
        reason = "every number with a mark fits both: 1.234 is a thousand, or one and a part"
        found = Found(None, Confidence.OPEN, reason)
    else:
        confidence = Confidence.CERTAIN if most == filled else Confidence.LIKELY
        found = Found("".join(best[0]), confidence, f"reads {most} of {filled} numbers")
    options = [
        Option(
            "".join(marks),
            f"1{marks[1]}234{marks[0]}56",
            _number_previews(desk, bare, marks),
            f"reads {read[marks]} of {filled} numbers",
        )
        for marks in sorted(_MARKS, key=lambda each: -read[each])
        if read[marks]
    ]
    question = "How are amounts written?"
    return decisions.decide("decimal_mark", question, options, found, group="formats")


def _number_previews(
    desk: Desk, bare: dict[str, str], marks: tuple[str, str]
) -> tuple[Preview, ...]:
    for column, text in bare.items():
        held = desk.examples(column, f"regexp_matches({text}, '[.,]') AND {_fits(text, marks)}")
        if held:
            return tuple(Preview(each, _read_number(each, marks)) for each in held)
    return ()


def _read_number(written: str, marks: tuple[str, str]) -> str:
    decimal, thousands = marks
    text = written.replace(thousands, "") if thousands else written
    return text.replace(decimal, ".")


def sign_of(desk: Desk, column: str, numbers: Numbers, decisions: Decisions) -> str | None:
    """What becomes of amounts below zero: "as_written", "left_out", "reversed" or "absolute"."""
    form = {"minus": "-%", "trailing_minus": "%-", "brackets": "(%)"}[numbers.negatives]
    text = desk.text(column)
    bare = text
    for mark in numbers.marks:
        bare = f"trim(replace({bare}, {literal(mark)}, ''))"
    below = f"{bare} LIKE '{form}'"
    (negative,) = desk.counts([below])
    filled = desk.facts[column].filled
    if not negative:
        return "as_written"
    examples = desk.examples(column, below)
    gives = {"left_out": "no invoice", "reversed": "an invoice", "absolute": "an invoice"}
    labels = {
        "left_out": "rows below zero are credits: leave them out, and count them",
        "reversed": "invoices are written below zero: turn the sign round",
        "absolute": "the sign means nothing: drop it",
    }
    options = [
        Option(name, label, tuple(Preview(each, gives[name]) for each in examples))
        for name, label in labels.items()
    ]
    if negative == filled:
        found = Found("reversed", Confidence.LIKELY, f"all {filled} amounts are below zero")
    else:
        reason = f"{negative} of {filled} amounts are below zero"
        found = Found(None, Confidence.OPEN, reason)
    question = f"What are the amounts below zero in '{column}'?"
    return decisions.decide("sign", question, options, found, group="values")


def is_float(desk: Desk, column: str) -> bool:
    """Whether a program wrote whole identifiers as decimals: "1930571429.0"."""
    filled = desk.facts[column].filled
    text = desk.text(column)
    (whole,) = desk.counts([rf"regexp_full_match({text}, '[0-9]+\.0+')"])
    return bool(filled) and whole == filled


def padding(desk: Desk, role: str, column: str, decisions: Decisions) -> int | None:
    """Width to which numbers that lost their leading zeros are filled; None for none."""
    text = desk.text(column)
    found = desk.held(
        f"SELECT length({text}) AS digits, count(*), count(*) FILTER (WHERE {text} LIKE '0%'), "
        f"min({text}) FROM {desk.table} WHERE regexp_full_match({text}, '[0-9]+') GROUP BY 1"
    )
    widths = {
        int(str(digits)): (int(str(rows)), int(str(zeros))) for digits, rows, zeros, _ in found
    }
    if not widths:
        return None
    usual = max(widths, key=lambda each: widths[each][0])
    sap = plain(column) in SAP_NAMES and max(widths) <= SAP_CUSTOMER_DIGITS
    width = SAP_CUSTOMER_DIGITS if sap else max(widths)
    shorter = sum(rows for digits, (rows, _) in widths.items() if digits < width)
    zeros = sum(lead for digits, (_, lead) in widths.items() if digits == width)
    if not shorter or not (zeros or sap):
        return None
    reason = (
        f"{shorter} numbers are shorter than {width} digits, and {zeros} of that length begin with "
        f"zero: leading zeros look lost"
    )
    if not zeros:
        reason = f"the numbers have {usual} digits where SAP writes {width}: zeros look lost"
    examples = desk.examples(column, f"regexp_full_match({text}, '[0-9]{{1,{width - 1}}}')")
    options = [
        Option(
            str(width),
            f"fill up with zeros to {width} digits",
            tuple(Preview(each, each.zfill(width)) for each in examples),
        ),
        Option("no", "leave them as they are", tuple(Preview(each, each) for each in examples)),
    ]
    question = f"Did numbers in '{column}' lose their leading zeros?"
    answer = decisions.decide(
        f"pad.{role}",
        question,
        options,
        Found(str(width), Confidence.UNSURE, reason),
        group="values",
        needed=False,
    )
    return None if answer in {None, "no"} else int(str(answer))
