"""The files of one hand-in as staged tables of a working database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS, Dataset
from sla.evidence.discovery import Handed
from sla.evidence.fixes import Fixes, with_fixes
from sla.evidence.mapping import map_by_name, missing_columns, unknown_columns
from sla.evidence.profile_rows import Derivation, load_source, missing_source_columns
from sla.evidence.profiles import Profile
from sla.evidence.sources import ROW, Opening, Source, open_source, repaired
from sla.evidence.staging import Rows, Staged, stage
from sla.evidence.values import Finding

MEMORY_LIMIT = "4GB"
"""Memory of the working database; what doesn't fit goes to its temporary folder."""


def working_database(folder: Path, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """An empty in-process database that spills to `folder` and has no time zone of its own."""
    connection = duckdb.connect(
        config={
            "temp_directory": str(folder / "spill"),
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    # A bar on standard output would end up in the JSON that other programs read.
    connection.execute("SET enable_progress_bar = false")
    return connection


@dataclass(slots=True)
class HandIn:
    """One hand-in while it is read."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    """For temporary files."""
    zone: str
    findings: list[Finding]
    tables: dict[str, Staged] = field(default_factory=dict)
    fixes: Mapping[str, Sequence[Fixes]] = field(default_factory=dict)
    """Corrected rows, by the name of the file that they belong to."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files as they were read in the end, each once."""
        return tuple({id(each.source): each.source for each in self.tables.values()}.values())

    def read(self, files: Iterable[Handed]) -> None:
        """Stage all files; raises BadInput with the problems of all of them."""
        problems: list[Problem] = []
        for handed in files:
            try:
                self._read_file(handed)
            except BadInput as error:
                problems.extend(error.problems)
        if problems:
            raise BadInput(problems)
        self.tables = {name: self.tables[name] for name in DATASETS if name in self.tables}

    def _read_file(self, handed: Handed) -> None:
        how = handed.how
        source = open_source(handed.path, self.folder, opening_of(how), handed.file)
        problems = (
            missing_columns(how, source)
            if isinstance(how, Dataset)
            else missing_source_columns(how, source)
        )
        if problems:
            raise BadInput(problems)
        if handed.file in self.fixes:
            fixes = self.fixes[handed.file]
            source = with_fixes(self.connection, source, fixes, self.folder)
        staged = self._staged(source, how)
        if not any(each.source.broken or self._has_rows(each) for each in staged):
            self.findings.append(_empty(source, handed.datasets))
        self.tables.update({each.dataset.name: each for each in staged})

    def _staged(self, source: Source, how: Dataset | Profile) -> list[Staged]:
        """Stage a source; where the engine stumbles over it, read it record by record."""
        try:
            return self._stage(source, how)
        except duckdb.Error as error:
            if source.dialect is None or source.numbered:
                found = str(error).splitlines()[0]
                problem = Problem("can't be read to its end", source.file, found=found)
                raise BadInput.one(problem) from error
        return self._stage(repaired(source, self.folder), how)

    def _stage(self, source: Source, how: Dataset | Profile) -> list[Staged]:
        if isinstance(how, Dataset):
            mapped = map_by_name(how, source, self.zone)
            rows = Rows(how, mapped, source.relation, ROW if source.numbered else "")
            staged = [stage(self.connection, source, rows)]
            self.findings += unknown_columns(how, source)
            return staged
        table = f"source_{source.sha256}"
        relation, row, findings = load_source(self.connection, source, how, table)
        self.findings += findings
        derivation = Derivation(how, source, relation, row, self.zone)
        staged = [stage(self.connection, source, rows) for rows in derivation.rows()]
        self.findings += derivation.differing(self.connection)
        return staged

    def _has_rows(self, staged: Staged) -> bool:
        found = self.connection.execute(f"FROM {staged.table} LIMIT 1").fetchone()
        return found is not None


def _empty(source: Source, datasets: tuple[str, ...]) -> Finding:
    """The finding on a file without rows; without invoices nothing at all can be measured."""
    what = "has a heading but no rows"
    if "invoices" in datasets:
        raise BadInput.one(Problem(what, source.file, allowed="at least one row"))
    return Finding("no_rows", f"{source.file} {what}", datasets[0])


def opening_of(how: Dataset | Profile) -> Opening:
    """How the file of a dataset or profile is to be opened."""
    if isinstance(how, Dataset):
        return Opening(expected=frozenset(how.column_names))
    rule = how.source
    return Opening(
        rule.encoding, rule.delimiter, rule.sheet, frozenset(rule.columns), rule.heading_line
    )
