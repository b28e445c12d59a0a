"""The import profile as a document: what its keys are and what they mean."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatch
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

MAX_DECIMALS = 4
MAX_WIDTH = 40
"""Characters to which an identifier can be padded."""
MAX_DAYS = 3_660
"""Days of a payment term."""
ISO_DATE = "%Y-%m-%d"
_SAMPLE = "a,1\n"
_NOT_FOR_FILES = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
"""Encodings of host names and of source code, which no file is written in."""


def _time_format(value: str) -> str:
    unknown = re.sub(r"%-?[YymdbBHIMSfnpzjaA]", "", value)
    if "%" in unknown or not re.search("%-?[dj]", value):
        raise ValueError("not a date format; write one such as %d.%m.%Y")
    return value


TimeFormat = Annotated[str, AfterValidator(_time_format)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True
    )


class Condition(_Part):
    """Which source rows are meant.

    Either a column with what is asked of it (where nothing is asked, that it isn't empty), or
    one of `all`, `any` and `not` over further conditions.
    """

    column: str | None = None
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    starts_with: str | None = None
    ignore_case: bool = False
    """Whether upper and lower case are the same in `equals`, `one_of` and `starts_with`."""
    less_than: Decimal | None = None
    greater_than: Decimal | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    all: tuple[Condition, ...] | None = None
    any: tuple[Condition, ...] | None = None
    not_: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_question(self) -> Condition:
        kinds = (self.column, self.all, self.any, self.not_)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("needs exactly one of column, all, any, not")
        if self.column is None and any(test is not None for test in self.tests.values()):
            raise ValueError("what is asked needs a column")
        if len(_asked(self)) > 1 and not set(_asked(self)) <= _BOUNDS:
            raise ValueError(f"asks several things; write {' and '.join(_asked(self))} under all")
        return self

    @property
    def tests(self) -> dict[str, Any]:
        """What can be asked of a column, by its key; None where it isn't."""
        names = ("equals", "one_of", "starts_with", *sorted(_BOUNDS))
        return {name: getattr(self, name) for name in names}

    def source_columns(self) -> Iterator[str]:
        """The source columns that the condition reads."""
        if self.column is not None:
            yield self.column
        inner = self.not_
        for each in (*(self.all or ()), *(self.any or ()), *((inner,) if inner else ())):
            yield from each.source_columns()


_BOUNDS = {"less_than", "greater_than", "at_least", "at_most"}


def _asked(condition: Condition) -> list[str]:
    return [name for name, test in condition.tests.items() if test is not None]


class OtherRow(_Part):
    """Another row of the file that belongs to the same thing, as in a list of events."""

    same: str
    """Source column whose value both rows share, such as the number of a case."""
    when: Condition
    """Which of those rows."""
    pick: Literal["first", "last"] = "first"
    """Which, where there are several; in the order of the file."""
    later: bool = False
    """Only rows further down the file count: what came of a thing, not what was before it."""


class Terms(_Part):
    """Days of a payment term that the source holds as a code."""

    column: str
    codes: dict[str, Annotated[int, Field(ge=0, le=MAX_DAYS)]] | None = None
    """The source's code → days. Without codes the text holds one number: "30", "Net 30"."""
    default: Annotated[int, Field(ge=0, le=MAX_DAYS)] | None = None
    """For a code that isn't listed, and where none is written; else such a row is rejected."""


def _as_rule(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ColumnRule(_Part):
    """Where one column of a dataset comes from, and how it is written there."""

    column: str | None = None
    """Source column."""
    of: OtherRow | None = None
    """The column is read from another row of the same thing."""
    template: str | None = None
    """Text with source columns in braces, such as "R-{number}"; empty where one of them is."""
    value: str | None = None
    """The same for every row."""
    first_of: tuple[Annotated[ColumnRule, BeforeValidator(_as_rule)], ...] | None = None
    """Further rules, of which the first counts that yields anything."""
    remaining: bool = False
    """What is still open of the invoice on that day, by the profile's other tables."""
    format: TimeFormat | None = None
    """Of dates and times, as for strptime; without it the profile's `date_format` holds."""
    plus_days: Annotated[int, Field(ge=-MAX_DAYS, le=MAX_DAYS)] | Terms | None = None
    """Days added to a date, as a due date is computed from the issue date and the terms."""
    before: Annotated[str, Field(min_length=1)] | None = None
    """Only the text before the first such mark: " " of "2020-04-30 02:36"."""
    after: Annotated[str, Field(min_length=1)] | None = None
    """Only the text after the first such mark."""
    whole: bool = False
    """Drops zeros after the point of a number that a program wrote: "1930571429.0"."""
    pad: Annotated[int, Field(ge=2, le=MAX_WIDTH)] | None = None
    """Width to which an identifier of digits gets its lost leading zeros back."""
    codes: dict[str, str] | None = None
    """The source's code → what it means here; a code that isn't listed is rejected."""
    default: str | None = None
    """What a code means that isn't listed."""
    ignore_case: bool = False
    """Whether upper and lower case are the same in `codes`."""
    if_empty: str | None = None
    """What holds where the source is empty."""
    round: Annotated[int, Field(ge=0, le=MAX_DECIMALS)] | None = None
    """Decimals to which noisy numbers (2309.7899999999995) are rounded, half up."""
    minus: Annotated[ColumnRule, BeforeValidator(_as_rule)] | None = None
    """What is taken off the number, such as the credit column; empty counts as zero."""
    plus: Annotated[ColumnRule, BeforeValidator(_as_rule)] | None = None
    """What is added to the number, such as the tax; empty counts as zero."""
    sign: Literal["as_written", "reversed", "absolute"] = "as_written"
    """`reversed` where the source writes as negative what counts as positive here;
    `absolute` drops the sign, where `only_if` already chose by it."""

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        origins = [self.column, self.template, self.value, self.first_of, self.remaining or None]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("needs exactly one of column, template, value, first_of, remaining")
        if self.of is not None and self.column is None:
            raise ValueError("'of' says in which row a column is read; it needs column")
        if self.codes is None and (self.default is not None or self.ignore_case):
            raise ValueError("default and ignore_case need codes")
        return self

    def source_columns(self) -> tuple[str, ...]:
        """The source columns that the rule reads, its own first."""
        named: list[str] = [self.column] if self.column is not None else []
        if self.template is not None:
            named += [name for _, name in template_parts(self.template) if name]
        for rule in (*(self.first_of or ()), self.minus, self.plus):
            named += rule.source_columns() if rule is not None else ()
        if self.of is not None:
            named += [self.of.same, *self.of.when.source_columns()]
        if isinstance(self.plus_days, Terms):
            named.append(self.plus_days.column)
        return tuple(dict.fromkeys(named))

    def rules(self) -> Iterator[ColumnRule]:
        """The rule and all that stand inside it."""
        yield self
        for rule in (*(self.first_of or ()), self.minus, self.plus):
            if rule is not None:
                yield from rule.rules()


class Table(_Part):
    """How rows of one dataset are derived from the source's rows."""

    columns: dict[str, Annotated[ColumnRule, BeforeValidator(_as_rule)]]
    """Column of the dataset → rule. A text alone names the source column."""
    only_if: Condition | None = None
    """Source rows that have a row in this dataset; all, where it is absent."""
    distinct: Literal["key"] | bool = False
    """One row for all source rows with the same values, as for a list of customers; `key`: one
    for all with the same key, by the first of them, and a finding where other values differ."""
    source: str | None = None
    """Which of the profile's `further` sources the rows come from; else it is `source`."""

    def source_columns(self) -> tuple[str, ...]:
        """The source columns that the table reads."""
        named = [name for rule in self.columns.values() for name in rule.source_columns()]
        if self.only_if:
            named += self.only_if.source_columns()
        return tuple(dict.fromkeys(named))


class SourceRule(_Part):
    """Which file is meant and how it is written."""

    file: str
    """Pattern of its name, such as "ledger_*.csv"."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns that must be there; by them a file is recognised."""
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: str | None = None
    heading_line: Annotated[int, Field(ge=1, le=1000)] = 1
    """Line of the file, or row of the sheet, that holds the column names."""
    fill_down: tuple[str, ...] = ()
    """Columns in which an empty value means the one above it, as in grouped reports."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
            # What isn't about characters at all (rot13, base64) is refused as a LookupError.
            readable = _SAMPLE.encode(name).decode(name) == _SAMPLE
        except (LookupError, ValueError):
            name, readable = value, False
        if not readable or name in _NOT_FOR_FILES:
            raise ValueError("not a known character encoding; write utf-8 or latin-1")
        return name


def _as_tables(value: Any) -> Any:
    return (value,) if isinstance(value, dict | Table) else value


Tables = Annotated[tuple[Table, ...], BeforeValidator(_as_tables), Field(min_length=1)]


class Profile(_Part):
    """The way of one foreign system's files into the datasets."""

    name: str
    title: str
    description: str = ""
    source: SourceRule
    further: dict[str, SourceRule] = Field(default_factory=dict)
    """More sheets, or more files of the same system, by a name that tables use."""
    date_format: TimeFormat = ISO_DATE
    """As for strptime; stated, never guessed row by row."""
    offsets: Literal["converted", "as_written"] = "converted"
    """What becomes of times with an offset: the engagement's local time, or the day and time as
    they are written, for a source that means its own calendar."""
    decimal_mark: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    thousands_mark: Annotated[str, Field(pattern=r"^[.,' ]?$")] = ""
    negatives: Literal["minus", "trailing_minus", "brackets"] = "minus"
    """How numbers below zero are written: -1, 1- or (1)."""
    number_marks: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Texts such as "$" or "EUR" that stand in numbers and are passed over."""
    rows: Condition | None = None
    """Source rows that are read at all; the others are counted in a finding."""
    tables: Annotated[dict[str, Tables], Field(min_length=1)]
    """Dataset → how its rows are derived; a list where several kinds of rows give the same one."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Profile:
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("decimal_mark and thousands_mark are the same")
        return self

    def parts(self) -> tuple[Profile, ...]:
        """A profile for each source that gives tables, all of this one's name."""
        if not self.further:
            return (self,)
        rules: list[tuple[str | None, SourceRule]] = [(None, self.source), *self.further.items()]
        return tuple(
            self.model_copy(
                update={"source": rule, "further": {}, "tables": tables}
                | ({} if name is None else {"rows": None})
            )
            for name, rule in rules
            if (tables := self._tables_of(name))
        )

    def _tables_of(self, source: str | None) -> dict[str, tuple[Table, ...]]:
        chosen = {
            name: tuple(table for table in tables if table.source == source)
            for name, tables in self.tables.items()
        }
        return {name: tables for name, tables in chosen.items() if tables}

    def parts_for(self, file: str) -> tuple[Profile, ...]:
        """The parts whose source goes by the file's name."""
        return tuple(part for part in self.parts() if fnmatch(file, part.source.file))


def template_parts(template: str) -> Iterator[tuple[str, str]]:
    """Pairs of literal text and the source column after it, empty at the end."""
    rest = template
    while "{" in rest:
        text, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        yield text, name
    if rest:
        yield rest, ""
