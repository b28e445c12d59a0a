"""An import profile as SQL: the rows of each dataset that it derives from a source."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from governance.errors import Problem
from sla.evidence.datasets import DATASETS, Column, Dataset, Kind
from sla.evidence.mapping import Mapped, text_of, unmapped
from sla.evidence.profiles import ISO_DATE, ColumnRule, Condition, Profile, Table, template_parts
from sla.evidence.sources import ROW, Source
from sla.evidence.sql import listed, literal, typed
from sla.evidence.staging import Rows
from sla.evidence.values import Finding

_DECIMALS = {Kind.AMOUNT, Kind.NUMBER, Kind.RATE}
_TIMES = {Kind.DATE, Kind.TIMESTAMP}


def missing_source_columns(profile: Profile, source: Source) -> list[Problem]:
    """One problem for each column that the profile reads and the file doesn't have."""
    return [
        Problem(
            f"the column '{name}' is missing, which profile {profile.name} reads",
            source.file,
            column=name,
            found=", ".join(source.columns),
            allowed=", ".join(profile.source.columns),
        )
        for name in profile.source.columns
        if name not in source.columns
    ]


def load_source(
    connection: duckdb.DuckDBPyConnection, source: Source, profile: Profile, table: str
) -> tuple[str, str, list[Finding]]:
    """Read the source once into a table; returns it with its row number, and what was left out.

    The first result is what the derived tables read from, the second SQL for the data row.
    """
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {source.relation}")
    row = ROW if source.numbered else "rowid + 1"
    if profile.rows is None:
        return table, row, []
    kept = _condition(profile.rows, source)
    counted = connection.execute(
        f"SELECT count(*) FILTER (NOT coalesce({kept}, false)), count(*) FROM {table}"
    ).fetchone()
    left_out, total = counted or (0, 0)
    relation = f"(SELECT rowid, * FROM {table} WHERE {kept})"
    if not left_out:
        return relation, row, []
    message = (
        f"{source.file}: {left_out} of {total} rows are left out, for profile {profile.name} "
        f"reads only {_in_words(profile.rows)}"
    )
    return relation, row, [Finding("rows_left_out", message)]


def _in_words(condition: Condition) -> str:
    if condition.equals is not None:
        return f"rows whose {condition.column} is {condition.equals}"
    if condition.one_of is not None:
        return f"rows whose {condition.column} is one of {', '.join(condition.one_of)}"
    return f"rows with a {condition.column}"


def _condition(condition: Condition, source: Source) -> str:
    text = text_of(source, condition.column)
    if condition.equals is not None:
        return f"{text} = {literal(condition.equals)}"
    if condition.one_of is not None:
        return f"{text} IN ({listed(condition.one_of)})"
    return f"{text} IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Derivation:
    """What the rules of a profile are compiled against."""

    profile: Profile
    source: Source
    relation: str
    row: str
    zone: str

    def rows(self) -> list[Rows]:
        """The rows of all datasets, in the order of `DATASETS`."""
        tables = self.profile.tables
        return [self._rows(DATASETS[name], tables[name]) for name in DATASETS if name in tables]

    def _rows(self, dataset: Dataset, table: Table) -> Rows:
        mapped = tuple(self._mapped(column, table) for column in dataset.columns)
        relation = f"(SELECT rowid, * FROM {self.relation})"
        if table.only_if is not None:
            relation = f"(FROM {relation} WHERE {_condition(table.only_if, self.source)})"
        if table.distinct:
            raws = ", ".join(entry.raw for entry in mapped)
            first = f"SELECT min(rowid) FROM {relation} GROUP BY {raws}"
            relation = f"(FROM {relation} WHERE rowid IN ({first}))"
        return Rows(dataset, mapped, relation, self.row, table.distinct)

    def _mapped(self, column: Column, table: Table) -> Mapped:
        rule = table.columns.get(column.name)
        if rule is None:
            return unmapped(column)
        raw = self._raw(rule)
        value, expected = self._value(column, rule, raw)
        shown = next(iter(rule.source_columns()), column.name)
        return Mapped(column, raw, f"{raw} IS NOT NULL", value, shown, expected)

    def _raw(self, rule: ColumnRule) -> str:
        """SQL of what the source holds, as text."""
        if rule.value is not None:
            return literal(rule.value)
        if rule.template is not None:
            parts = [
                literal(text) + (f" || {text_of(self.source, name)}" if name else "")
                for text, name in template_parts(rule.template)
            ]
            return f"({' || '.join(parts)})"
        return text_of(self.source, str(rule.column))

    def _value(self, column: Column, rule: ColumnRule, raw: str) -> tuple[str, str]:
        """SQL of the typed value, and what is accepted where that isn't the usual."""
        if rule.codes is not None:
            cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in rule.codes.items())
            known = f"one of {', '.join(rule.codes)}"
            return typed(column, f"CASE {raw} {cases} END", self.zone), known
        stated = rule.format or self.profile.date_format
        if column.kind in _TIMES and stated != ISO_DATE and self._is_text(rule):
            return _parsed_time(column, raw, stated, self.zone), f"a date of the form {stated}"
        if column.kind in _DECIMALS and rule.column is not None:
            text, expected = self._decimal_text(raw)
            if rule.round is not None:
                text = _rounded(text, rule.round)
            return typed(column, text, self.zone), expected
        return typed(column, raw, self.zone), ""

    def _is_text(self, rule: ColumnRule) -> bool:
        return rule.column is not None and self.source.types[rule.column] == "VARCHAR"

    def _decimal_text(self, raw: str) -> tuple[str, str]:
        mark, thousands = self.profile.decimal_mark, self.profile.thousands_mark
        if (mark, thousands) == (".", ""):
            return raw, ""
        grouped = f"[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
        pattern = f"-?({grouped}[0-9]+)({re.escape(mark)}[0-9]+)?"
        plain = f"replace(replace({raw}, {literal(thousands)}, ''), {literal(mark)}, '.')"
        text = f"CASE WHEN regexp_full_match({raw}, {literal(pattern)}) THEN {plain} END"
        return text, f"a number of the form 1{thousands}234{mark}56"


def _parsed_time(column: Column, raw: str, stated: str, zone: str) -> str:
    # A year below 1000 is two digits read as four ("1/2/13" by %Y), never meant so.
    parsed = f"try_strptime({raw}, {literal(stated)})"
    local = f"{parsed} AT TIME ZONE {literal(zone)}" if "%z" in stated else parsed
    return f"CASE WHEN year({parsed}) >= 1000 THEN CAST({local} AS {column.sql_type}) END"


def _rounded(text: str, places: int) -> str:
    plain = f"regexp_full_match({text}, '-?[0-9]{{1,14}}(\\.[0-9]+)?')"
    exact = f"TRY_CAST({text} AS DECIMAL(38, 18))"
    return f"CASE WHEN {plain} THEN CAST(round({exact}, {places}) AS VARCHAR) ELSE {text} END"
