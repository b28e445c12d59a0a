"""An import profile as SQL: the rows of each dataset that it derives from a source."""

# ruff: noqa: S608 (Names come from the dataset definitions, texts pass through sql.literal.)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from governance.errors import Problem
from sla.evidence.datasets import DATASETS, Column, Dataset
from sla.evidence.mapping import Mapped, unmapped
from sla.evidence.profile_balances import Movement, raising, with_remaining
from sla.evidence.profile_conditions import condition_sql, condition_words
from sla.evidence.profile_parts import Profile, Table
from sla.evidence.profile_values import REMAINING, Read, Values, other_rows
from sla.evidence.sources import ROW, Source
from sla.evidence.staging import Rows
from sla.evidence.values import Example, Finding

EXAMPLES = 5
"""Examples that a finding carries."""


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
    if profile.source.fill_down:
        _fill_down(connection, source, profile.source.fill_down, table)
    row = ROW if source.numbered else "rowid + 1"
    if profile.rows is None:
        return f"(SELECT rowid, * FROM {table})", row, []
    kept = condition_sql(profile.rows, Values(profile, source, "UTC"))
    counted = connection.execute(
        f"SELECT count(*) FILTER (NOT coalesce({kept}, false)), count(*) FROM {table}"
    ).fetchone()
    left_out, total = counted or (0, 0)
    relation = f"(SELECT rowid, * FROM {table} WHERE {kept})"
    if not left_out:
        return relation, row, []
    message = (
        f"{source.file}: {left_out} of {total} rows are left out, for profile {profile.name} "
        f"reads only {condition_words(profile.rows)}"
    )
    return relation, row, [Finding("rows_left_out", message)]


def _fill_down(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[str], table: str
) -> None:
    filled = ", ".join(
        f"last_value({name} IGNORE NULLS) OVER (ORDER BY rowid) AS {name}"
        for name in (source.columns[column] for column in columns)
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * EXCLUDE (line) FROM ("
        f"SELECT * REPLACE ({filled}), rowid AS line FROM {table}) ORDER BY line"
    )


@dataclass(frozen=True, slots=True)
class _Variant:
    """One table of a profile, compiled."""

    mapped: tuple[Mapped, ...]
    relation: str

    def of(self, column: str) -> Mapped:
        """How that column of the dataset is read."""
        return next(each for each in self.mapped if each.column.name == column)


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

    def differing(self, connection: duckdb.DuckDBPyConnection) -> list[Finding]:
        """Findings on keys whose rows say different things, where one row counts for all."""
        return [
            finding
            for name, tables in self.profile.tables.items()
            for table in tables
            if table.distinct == "key"
            for finding in self._differing(connection, DATASETS[name], table)
        ]

    def _rows(self, dataset: Dataset, tables: Sequence[Table]) -> Rows:
        variants = [
            self._with_remaining(dataset, table, self._variant(dataset, table)) for table in tables
        ]
        distinct = all(table.distinct for table in tables)
        if len(variants) == 1:
            return Rows(dataset, variants[0].mapped, variants[0].relation, self.row, distinct)
        mapped = tuple(_together(place, variants) for place in range(len(dataset.columns)))
        numbered = f", {ROW}" if self.source.numbered else ""
        union = " UNION ALL ".join(_uniform(each, numbered) for each in variants)
        return Rows(dataset, mapped, f"({union})", self.row, distinct)

    def _variant(self, dataset: Dataset, table: Table) -> _Variant:
        reads = {read: None for rule in table.columns.values() for read in other_rows(rule)}
        others = {read: f"other_{number}" for number, read in enumerate(reads)}
        values = Values(self.profile, self.source, self.zone, others)
        mapped = tuple(_mapped(column, table, values) for column in dataset.columns)
        relation = self.relation
        if any(rule.later for _, rule in others):
            relation = _with_later_rows(relation, values)
        if table.only_if is not None:
            relation = f"(SELECT * FROM {relation} WHERE {condition_sql(table.only_if, values)})"
        relation = _with_other_rows(relation, self.relation, values)
        if table.distinct:
            keys = [each for each in mapped if _in_key(each, dataset, table)]
            first = f"SELECT min(rowid) FROM {relation} GROUP BY {', '.join(map(_read, keys))}"
            relation = f"(SELECT * FROM {relation} WHERE rowid IN ({first}))"
        return _Variant(mapped, relation)

    def _with_remaining(self, dataset: Dataset, table: Table, variant: _Variant) -> _Variant:
        if not _takes_remaining(table):
            return variant
        movements = list(self._movements())
        taking = list(self._taking())
        number = next(
            n for n, (name, each) in enumerate(taking, 1) if name == dataset.name and each is table
        )
        relation = with_remaining(variant.relation, REMAINING, movements, number)
        return _Variant(variant.mapped, relation)

    def _taking(self) -> Iterator[tuple[str, Table]]:
        """The tables whose amount is what remains; those of adjustments lower it, too."""
        for name, tables in self.profile.tables.items():
            for table in tables:
                if _takes_remaining(table):
                    yield name, table

    def _movements(self) -> Iterator[Movement]:
        for name, day, sign in _MOVING:
            for table in self.profile.tables.get(name, ()):
                if not _takes_remaining(table):
                    found = self._variant(DATASETS[name], table)
                    kind = raising(found.of("kind").value) if name == "adjustments" else str(sign)
                    amount = f"({found.of('amount').value} * {kind})"
                    invoice = found.of("invoice_id").value
                    yield Movement(found.relation, invoice, found.of(day).value, amount)
        for number, (name, table) in enumerate(self._taking(), 1):
            found = self._variant(DATASETS[name], table)
            day = found.of(_DAYS[name]).value
            yield Movement(found.relation, found.of("invoice_id").value, day, "", number)

    def _differing(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, table: Table
    ) -> Iterator[Finding]:
        found = self._variant(dataset, table.model_copy(update={"distinct": False}))
        (key, *_) = dataset.key
        for entry in found.mapped:
            if entry.column.name in dataset.key or entry.given == "false":
                continue
            rows = connection.execute(
                f"SELECT {found.of(key).value} AS key, list(DISTINCT {entry.raw}) "
                f"FILTER (WHERE {entry.raw} IS NOT NULL) AS held "
                f"FROM {found.relation} GROUP BY 1 HAVING count(DISTINCT {entry.raw}) > 1 "
                "ORDER BY len(held) DESC, key"
            ).fetchall()
            if rows:
                yield self._many(dataset, entry, rows)

    def _many(
        self, dataset: Dataset, entry: Mapped, rows: Sequence[tuple[str, list[str]]]
    ) -> Finding:
        one = dataset.name.removesuffix("s")
        first, most = rows[0][0], len(rows[0][1])
        message = (
            f"{self.source.file}: {len(rows)} {dataset.name} stand under several values of "
            f"'{entry.source_column}', {first} under {most}; the first of each counts"
        )
        code = f"one_{one}_many_{entry.column.name}s"
        examples = tuple(
            Example(str(key), ", ".join(sorted(held))) for key, held in rows[:EXAMPLES]
        )
        evidence = ((f"{dataset.name} under several", str(len(rows))), ("most of one", str(most)))
        return Finding(code, message, dataset.name, evidence, examples)


_MOVING = (
    ("invoices", "issue_date", 1),
    ("allocations", "applied_on", -1),
    ("adjustments", "effective_on", 0),
)
"""Datasets that change what is open, the column of the day, the sign."""
_DAYS = {"adjustments": "effective_on", "placements": "placed_on"}


def _takes_remaining(table: Table) -> bool:
    return any(rule.remaining for rule in table.columns.values())


def _mapped(column: Column, table: Table, values: Values) -> Mapped:
    rule = table.columns.get(column.name)
    if rule is None:
        return unmapped(column)
    raw = values.raw(rule)
    value, expected = values.value(column, rule)
    shown = next(iter(rule.source_columns()), column.name)
    zoned = values.instant(column, rule)
    return Mapped(column, raw, f"{raw} IS NOT NULL", value, shown, expected, zoned)


def _in_key(entry: Mapped, dataset: Dataset, table: Table) -> bool:
    return table.distinct is True or entry.column.name in dataset.key


def _read(entry: Mapped) -> str:
    """What makes two rows of the source the same: the value, or the text that gives none."""
    if entry.value == entry.raw:
        return entry.raw
    return f"coalesce(CAST({entry.value} AS VARCHAR), {entry.raw})"


def _with_other_rows(relation: str, source: str, values: Values) -> str:
    """The relation with what its rules read in other rows of the source, in the same order."""
    reads = {read: name for read, name in values.others.items() if not read[1].later}
    if not reads:
        return relation
    joins = " ".join(
        f"LEFT JOIN ({_other_row(read, source, values)}) AS of_{name} "
        f"ON of_{name}.thing = {values.text(read[1].same)}"
        for read, name in reads.items()
    )
    columns = ", ".join(f"of_{name}.held AS {name}" for name in reads.values())
    return f"(SELECT own.*, {columns} FROM {relation} AS own {joins} ORDER BY own.rowid)"


def _other_row(read: Read, source: str, values: Values) -> str:
    column, rule = read
    pick = "arg_min" if rule.pick == "first" else "arg_max"
    text, thing = values.text(column), values.text(rule.same)
    return (
        f"SELECT {thing} AS thing, {pick}({text}, rowid) AS held FROM {source} "
        f"WHERE {condition_sql(rule.when, values)} AND {text} IS NOT NULL GROUP BY 1"
    )


def _with_later_rows(relation: str, values: Values) -> str:
    columns = ", ".join(
        f"{'first' if rule.pick == 'first' else 'last'}_value(CASE WHEN "
        f"{condition_sql(rule.when, values)} THEN {values.text(column)} END IGNORE NULLS) OVER ("
        f"PARTITION BY {values.text(rule.same)} ORDER BY rowid "
        f"ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS {name}"
        for (column, rule), name in values.others.items()
        if rule.later
    )
    return f"(SELECT *, {columns} FROM {relation} ORDER BY rowid)"


def _uniform(variant: _Variant, numbered: str) -> str:
    """The variant's rows under the names that all variants share."""
    columns = ", ".join(
        f"{each.raw} AS raw_of_{number}, {each.value} AS value_of_{number}, "
        f"{each.instant or 'CAST(NULL AS TIMESTAMP)'} AS instant_of_{number}"
        for number, each in enumerate(variant.mapped)
    )
    return f"SELECT rowid{numbered}, {columns} FROM {variant.relation}"


def _together(place: int, variants: Sequence[_Variant]) -> Mapped:
    """One column of a dataset that several tables give."""
    entries = [variant.mapped[place] for variant in variants]
    given = [each for each in entries if each.given != "false"]
    if not given:
        return entries[0]
    raw = f"raw_of_{place}"
    expected = next((each.expected for each in given if each.expected), "")
    shown = given[0].source_column
    zoned = f"instant_of_{place}" if any(each.instant for each in given) else ""
    value = f"value_of_{place}"
    return Mapped(given[0].column, raw, f"{raw} IS NOT NULL", value, shown, expected, zoned)
