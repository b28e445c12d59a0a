"""Apache Spark: the same KPI and meter files, on as many machines as a cluster has."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from governance.errors import BadInput, Problem, Unreachable
from sla.engines.engine import Answer, Connection, StoredTable
from sla.evidence.values import EvidenceFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SAME_FIGURES: Mapping[str, str] = {
    # An overflow is an error, as it is with DuckDB, never a NULL.
    "spark.sql.ansi.enabled": "true",
    # Products keep all their decimals; the default cuts them where they become long.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.session.timeZone": "UTC",
    # Times of the ledger have no zone, and neither has a TIMESTAMP in its SQL.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # A text such as ${env:SECRET} in a parameter stays what it is.
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    # A KPI's SQL reads the views and no other file.
    "spark.sql.runSQLOnFiles": "false",
    # Names are the same in any case, as they are to DuckDB.
    "spark.sql.caseSensitive": "false",
}
"""What the same decimals rest on, and what keeps a query within the ledger."""
_QUIET: Mapping[str, str] = {
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
}
_LOOPBACK = "127.0.0.1"
_ON_THIS_MACHINE = ("local", "local-cluster")
_TYPES: Mapping[str, str] = {
    "string": "VARCHAR",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "timestamp_ntz": "TIMESTAMP",
    "bigint": "BIGINT",
    "int": "INTEGER",
}
"""Spark's names of types, and those that datasets use; decimals are called alike."""
_NOT_MAIN = ("given_", "local_times_", "file_")
"""How the names of views begin that no KPI names without a schema."""
_LOCK = Lock()


@dataclass(eq=False)
class SparkConnection:
    """One ledger's views in Spark: they are gone with it, and no other ledger sees them."""

    session: SparkSession
    kept: list[DataFrame] = field(default_factory=list)
    """What executors keep until the ledger closes."""
    _rows: list[tuple[Any, ...]] = field(default_factory=list)

    def execute(self, query: str, /) -> Self:
        """Run a statement in DuckDB's dialect; raises BadInput where it has no translation."""
        from sqlglot import exp  # noqa: PLC0415 (an optional dependency)

        from sla.engines.dialect import parsed, view_name  # noqa: PLC0415 (the same)

        tree = parsed(query)
        if not isinstance(tree, exp.Create):
            self._rows = list(self.answer(tree).rows)
        elif tree.kind != "SCHEMA":
            self._create(view_name(tree.this), tree.expression, kept=tree.kind == "TABLE")
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, None after the last."""
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All further rows."""
        found, self._rows = self._rows, []
        return found

    def answer(self, tree: Any) -> Answer:
        """The rows of a parsed query."""
        from pyspark.errors import AnalysisException, ParseException  # noqa: PLC0415 (the same)

        try:
            found = self._sharing(tree)
            return Answer(tuple(found.columns), tuple(tuple(row) for row in found.collect()))
        except (AnalysisException, ParseException) as error:
            problem = Problem(
                f"the query can't run on Spark: {str(error).partition(chr(10))[0]}",
                allowed="SQL that both engines take, or the engine duckdb",
            )
            raise BadInput.one(problem) from error

    def _sharing(self, tree: Any) -> DataFrame:
        """The query's frame, in which what is read more than once is computed once."""
        from sla.engines.dialect import take_out_shared  # noqa: PLC0415 (an optional dependency)

        rest, expressions = take_out_shared(tree)
        for name, query in expressions:
            # A checkpoint also cuts the plan, which otherwise doubles with each that builds on it.
            self._frame(query).localCheckpoint(eager=False).createOrReplaceTempView(name)
        return self._frame(rest)

    def show(self, name: str, frame: DataFrame) -> None:
        """Make a frame a view; one of the ledger's own schema is also known with its name."""
        frame.createOrReplaceTempView(name)
        if not name.startswith(_NOT_MAIN):
            frame.createOrReplaceTempView(f"main_{name}")

    def close(self) -> None:
        """Give the executors their memory back."""
        for frame in self.kept:
            frame.unpersist()

    def _create(self, name: str, query: Any, *, kept: bool) -> None:
        frame = self._frame(query)
        # Dozens of queries read a ledger's views, so that each is computed once for all of them.
        if kept or not name.startswith(_NOT_MAIN):
            self.kept.append(frame.persist())
        self.show(name, frame)

    def _frame(self, tree: Any) -> DataFrame:
        from sla.engines.dialect import in_spark  # noqa: PLC0415 (an optional dependency)

        return self.session.sql(in_spark(tree, self._columns))

    def _columns(self, view: str) -> tuple[str, ...]:
        return tuple(self.session.table(view).columns)


@dataclass(frozen=True)
class Spark:
    """A Spark cluster, or Spark on this machine. It starts with the first ledger."""

    master: str
    """`local[4]`, `spark://host:7077`, `yarn`, `k8s://…`: what Spark takes as its master."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further options of Spark, such as spark.executor.memory."""
    evidence_root: str = ""
    """Where the executors find the evidence, such as s3a://bucket/prefix or file:///mnt/evidence;
    empty: under the same paths as this process."""

    in_process = False

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Connection]:  # noqa: ARG002 (Spark has its own)
        """A session of its own on the one Spark of this process.

        Raises BadInput where Spark isn't installed, Unreachable where it can't be started.
        """
        session = self.session().newSession()
        for name, value in _SAME_FIGURES.items():
            session.conf.set(name, value)
        connection = SparkConnection(session)
        try:
            yield connection
        finally:
            connection.close()

    def session(self) -> SparkSession:
        """The one Spark of this process, started where it isn't yet."""
        _require_installed()
        from pyspark.sql import SparkSession  # noqa: PLC0415 (an optional dependency)

        builder = SparkSession.builder.master(self.master).appName("plumbline")
        for name, value in {**_QUIET, **self._places(), **_SAME_FIGURES, **self.options}.items():
            builder = builder.config(name, value)
        with _LOCK:
            try:
                return builder.getOrCreate()
            except Exception as error:
                why = str(error).partition("\n")[0]
                raise Unreachable(
                    f"Spark doesn't start with the master {self.master}: {why};"
                    " check PLUMBLINE_SPARK_MASTER and that Java 17 or newer is installed"
                ) from error

    def stored(self, connection: Connection, file: EvidenceFile) -> StoredTable:
        """The file as the executors read it; raises BadInput where they can't."""
        spark = _own(connection)
        name = f"file_{file.dataset}_{file.sha256[:16]}"
        try:
            frame = spark.session.read.parquet(self._place(file))
            numbered = frame.select("*", "_metadata.row_index")
            spark.show(name, numbered.withColumnRenamed("row_index", "file_row_number"))
        except Exception as error:
            problem = Problem("the stored evidence can't be read", file.source, found=file.sha256)
            raise BadInput.one(problem) from error
        return StoredTable(name, {one: _sql_type(kind) for one, kind in frame.dtypes})

    def lock(self, connection: Connection, files: Sequence[EvidenceFile]) -> None:
        """Nothing is open: a query that names more than the ledger's views isn't translated."""

    def put(
        self,
        connection: Connection,
        table: str,
        types: Mapping[str, str],
        rows: Sequence[tuple[Any, ...]],
    ) -> None:
        """Rows that the driver sends to the executors."""
        spark = _own(connection)
        schema = ", ".join(f"`{name}` {_spark_type(kind)}" for name, kind in types.items())
        frame = spark.session.createDataFrame([_naive(row) for row in rows], schema).persist()
        spark.kept.append(frame)
        spark.show(table, frame)

    def answer(self, connection: Connection, query: str, bound: Mapping[str, Any]) -> Answer:
        """Run the query in Spark's dialect; raises BadInput where it has no translation."""
        from sla.engines.dialect import parsed, with_values  # noqa: PLC0415 (an optional dependency)

        return _own(connection).answer(with_values(parsed(query), bound))

    def _place(self, file: EvidenceFile) -> str:
        if self.evidence_root:
            return f"{self.evidence_root.rstrip('/')}/{file.path.name}"
        return file.path.absolute().as_uri()

    def _places(self) -> Mapping[str, str]:
        """Spark on this machine listens to nobody else."""
        if self.master.partition("[")[0] not in _ON_THIS_MACHINE:
            return {}
        return {
            "spark.driver.host": _LOOPBACK,
            "spark.driver.bindAddress": _LOOPBACK,
            "spark.ui.enabled": "false",
        }


def missing_for_spark() -> str:
    """What the engine needs and this machine doesn't have; empty where it has everything."""
    lacking = [name for name in ("pyspark", "sqlglot") if importlib.util.find_spec(name) is None]
    if lacking:
        return f"{' and '.join(lacking)}: install plumbline-governance[spark]"
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        return "java: install Java 17 or newer, or set JAVA_HOME"
    return ""


def _require_installed() -> None:
    lacking = missing_for_spark()
    if lacking:
        what = "the engine spark isn't installed"
        raise BadInput.one(Problem(what, found=f"no {lacking}", allowed="the engine duckdb"))


def _own(connection: Connection) -> SparkConnection:
    if not isinstance(connection, SparkConnection):
        raise TypeError("a connection of another engine")
    return connection


def _sql_type(kind: str) -> str:
    return _TYPES.get(kind, kind.upper())


def _spark_type(kind: str) -> str:
    return next((ours for ours, theirs in _TYPES.items() if theirs == kind), kind.lower())


def _naive(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Instants in UTC without saying so, as the ledger's times are."""
    return tuple(
        each.replace(tzinfo=None) if getattr(each, "tzinfo", None) else each for each in row
    )
