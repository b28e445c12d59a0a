"""All worked cases of the catalogue on a Spark cluster: `make spark-test`, some minutes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from governance.values import Period
from sla.engines.engine import Engine
from sla.engines.spark import missing_for_spark
from sla.evidence.datasets import DATASETS
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from sla.kpis.serialise import kpi_result_json
from tests.long import LONG
from tests.sla.engines.clusters import spark_cluster
from tests.sla.kpis.ledgers import calendars_in, ledger_of, rows_of
from tests.sla.kpis.test_cases import read_cases

_LACKING = missing_for_spark()
pytestmark = [
    pytest.mark.skipif(bool(_LACKING), reason=f"Spark lacks {_LACKING}"),
    pytest.mark.skipif(not LONG, reason="a long check: make spark-test"),
    # What Spark says of itself when it is imported is no fault of a test.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


def test_every_worked_case_is_the_same_on_spark(tmp_path: Path, subtests: pytest.Subtests) -> None:
    with spark_cluster(tmp_path) as spark:
        for number, case in enumerate(read_cases()):
            folder = tmp_path / str(number)
            folder.mkdir()
            with _both(case, folder, spark) as (here, there):
                for figure in case["figures"]:
                    with subtests.test(kpi=figure["kpi"], case=number, period=figure["period"]):
                        assert _answer(figure, there) == _answer(figure, here)


def _answer(figure: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    definition = load_catalogue()[figure["kpi"]]
    period = Period.parse(figure["period"])
    return kpi_result_json(run_kpi(definition, ledger, period, figure.get("set", {})))


@contextmanager
def _both(case: dict[str, Any], folder: Path, spark: Engine) -> Iterator[tuple[Ledger, Ledger]]:
    """The case's rows on DuckDB and, from Parquet files, on Spark."""
    calendars = calendars_in(case.get("calendars", {}))
    tables = {name: rows_of(table) for name, table in case["evidence"].items()}
    with ledger_of(tables, calendars=calendars) as ledger:
        files = tuple(_stored(ledger, name, folder) for name in tables)
    with (
        open_ledger(files, "EUR", calendars=calendars) as here,
        open_ledger(files, "EUR", calendars=calendars, engine=spark) as there,
    ):
        yield here, there


def _stored(ledger: Ledger, dataset: str, folder: Path) -> EvidenceFile:
    path = folder / f"{dataset}.parquet"
    columns = ", ".join(f'"{column.name}"' for column in DATASETS[dataset].columns)
    ledger.connection.execute(f"COPY (SELECT {columns} FROM {dataset}) TO '{path}'")  # noqa: S608 (names come from the datasets)
    return EvidenceFile(dataset, "0" * 64, path, 0, path.name, "0" * 64)
