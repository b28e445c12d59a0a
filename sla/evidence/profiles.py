"""Import profiles: documents that say how a foreign file becomes datasets."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from governance.contract.messages import did_you_mean
from governance.contract.yaml_nodes import (
    MapNode,
    descend,
    found_text,
    parse_nodes,
    path_text,
    plain_value,
)
from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS, Dataset, Kind

MAX_DECIMALS = 4
ISO_DATE = "%Y-%m-%d"
_SAMPLE = "a,1\n"
_NOT_FOR_FILES = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
"""Encodings of host names and of source code, which no file is written in."""


def _time_format(value: str) -> str:
    unknown = re.sub(r"%-?[YymdbBHIMSfpzjaA]", "", value)
    if "%" in unknown or not re.search("%-?[dj]", value):
        raise ValueError("not a date format; write one such as %d.%m.%Y")
    return value


TimeFormat = Annotated[str, AfterValidator(_time_format)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Condition(_Part):
    """Which source rows are meant: those whose column equals a text, is one of several, or,
    where neither is stated, isn't empty."""

    column: str
    equals: str | None = None
    one_of: tuple[str, ...] | None = None


class ColumnRule(_Part):
    """Where one column of a dataset comes from: a source column, a template or a constant."""

    column: str | None = None
    """Source column."""
    template: str | None = None
    """Text with source columns in braces, such as "R-{number}"; empty where one of them is."""
    value: str | None = None
    """The same for every row."""
    format: TimeFormat | None = None
    """Of dates and times, as for strptime; without it the profile's `date_format` holds."""
    codes: dict[str, str] | None = None
    """The source's code → what it means here; a code that isn't listed is rejected."""
    round: Annotated[int, Field(ge=0, le=MAX_DECIMALS)] | None = None
    """Decimals to which noisy numbers (2309.7899999999995) are rounded, half up."""

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnRule:
        origins = [self.column, self.template, self.value]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("needs exactly one of column, template, value")
        return self

    def source_columns(self) -> tuple[str, ...]:
        """The source columns that the rule reads."""
        if self.template is not None:
            return tuple(name for _, name in template_parts(self.template) if name)
        return (self.column,) if self.column is not None else ()


class Table(_Part):
    """How one dataset is derived from the source's rows."""

    columns: dict[str, ColumnRule]
    """Column of the dataset → rule. A text alone names the source column."""
    only_if: Condition | None = None
    """Source rows that have a row in this dataset; all, where it is absent."""
    distinct: bool = False
    """One row for all source rows with the same values, as for a list of customers."""

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: {"column": rule} if isinstance(rule, str) else rule
            for name, rule in value.items()
        }


class SourceRule(_Part):
    """Which file is meant and how it is written."""

    file: str
    """Pattern of its name, such as "ledger_*.csv"."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns that must be there; by them a file is recognised."""
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: str | None = None

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


class Profile(_Part):
    """One foreign file's way into the datasets."""

    name: str
    title: str
    description: str = ""
    source: SourceRule
    date_format: TimeFormat = ISO_DATE
    """As for strptime; stated, never guessed row by row."""
    decimal_mark: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    thousands_mark: Annotated[str, Field(pattern=r"^[.,' ]?$")] = ""
    rows: Condition | None = None
    """Source rows that are read at all; the others are counted in a finding."""
    tables: Annotated[dict[str, Table], Field(min_length=1)]

    @model_validator(mode="after")
    def _marks_differ(self) -> Profile:
        if self.decimal_mark == self.thousands_mark:
            raise ValueError("decimal_mark and thousands_mark are the same")
        return self


def template_parts(template: str) -> Iterator[tuple[str, str]]:
    """Pairs of literal text and the source column after it, empty at the end."""
    rest = template
    while "{" in rest:
        text, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        yield text, name
    if rest:
        yield rest, ""


def read_profile(data: bytes, file: str) -> Profile:
    """Read an import profile; raises BadInput with every problem and its line."""
    root, problems = parse_nodes(data, file)
    try:
        profile = Profile.model_validate(plain_value(root))
    except ValidationError as error:
        found = [_problem(dict(each), root, file) for each in error.errors(include_url=False)]
        raise BadInput([*problems, *found]) from None
    problems += [_at(path, what, root, file, allowed) for path, what, allowed in _faults(profile)]
    if problems:
        raise BadInput(problems)
    return profile


def _problem(error: dict[str, Any], root: MapNode, file: str) -> Problem:
    path = tuple(step for step in error["loc"])
    what = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        what = f"unknown key '{path[-1]}'" + did_you_mean(str(path[-1]), _KEYS)
    if error["type"] == "missing":
        what = f"the key '{path[-1]}' is missing"
    return _at(path, what, root, file)


_KEYS = sorted(
    {
        name
        for part in (Profile, SourceRule, Table, ColumnRule, Condition)
        for name in part.model_fields
    }
)


def _at(
    path: tuple[str | int, ...], what: str, root: MapNode, file: str, allowed: str = ""
) -> Problem:
    way = list(descend(root, path))
    node, line = way[-1]
    found = found_text(node) if len(way) > len(path) else ""
    return Problem(what, file, line=line, column=path_text(path), found=found, allowed=allowed)


_Fault = tuple[tuple[str | int, ...], str, str]
"""Path of a key, what is wrong there, what is allowed."""
_NO_COLUMN = "isn't among the source's columns"


def _faults(profile: Profile) -> Iterator[_Fault]:
    """What a profile's shape can't show: names that don't exist, columns that are missing."""
    known = profile.source.columns
    if profile.rows is not None and profile.rows.column not in known:
        yield ("rows", "column"), f"'{profile.rows.column}' {_NO_COLUMN}", ", ".join(known)
    for name, table in profile.tables.items():
        path = ("tables", name)
        if name not in DATASETS:
            yield path, f"unknown dataset{did_you_mean(name, DATASETS)}", ", ".join(DATASETS)
            continue
        yield from _table_faults(DATASETS[name], table, path)
        for column in _read_by(table):
            if column not in known:
                what = f"'{column}' {_NO_COLUMN}{did_you_mean(column, known)}"
                yield path, what, ", ".join(known)


def _table_faults(dataset: Dataset, table: Table, path: tuple[str, str]) -> Iterator[_Fault]:
    missing = [each for each in dataset.required if each not in table.columns]
    if missing:
        yield (*path, "columns"), f"has no rule for {', '.join(missing)}", "a rule for each"
    for column, rule in table.columns.items():
        if column not in dataset.column_names:
            near = did_you_mean(column, dataset.column_names)
            what = f"unknown column of {dataset.name}{near}"
            yield (*path, "columns", column), what, ", ".join(dataset.column_names)
        elif rule.round is not None and dataset.column(column).kind not in _ROUNDED:
            yield (*path, "columns", column, "round"), "only numbers can be rounded", ""


_ROUNDED = {Kind.AMOUNT, Kind.NUMBER, Kind.RATE}


def _read_by(table: Table) -> list[str]:
    named = [name for rule in table.columns.values() for name in rule.source_columns()]
    if table.only_if:
        named.append(table.only_if.column)
    return list(dict.fromkeys(named))


@cache
def shipped_profiles() -> tuple[Profile, ...]:
    """The profiles that come with the product, by name."""
    folder = files("sla.evidence").joinpath("profiles")
    documents = sorted(folder.iterdir(), key=lambda each: each.name)
    return tuple(
        read_profile(document.read_bytes(), document.name)
        for document in documents
        if document.name.endswith(".yaml")
    )


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or any other by the path of its file."""
    shipped = {profile.name: profile for profile in shipped_profiles()}
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        near = did_you_mean(name_or_path, shipped)
        raise BadInput.one(
            Problem(
                f"no import profile '{name_or_path}'{near}",
                allowed=f"{', '.join(shipped)} or the path of a profile",
            )
        )
    return read_profile(path.read_bytes(), name_or_path)
