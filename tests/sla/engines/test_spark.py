"""Every KPI and every meter on DuckDB and on a Spark cluster with two executors: the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billing.metering.catalogue import load_meters
from billing.metering.engine import drill_down_meter, read_meter
from billing.settlement.dated import index_series, milestones_reached
from governance.errors import BadInput
from governance.values import Period
from sla.engines.engine import Engine
from sla.engines.spark import missing_for_spark
from sla.evidence.datasets import DATASETS
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.reading import read_evidence, require_clean
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import run_kpi
from sla.kpis.parameters import bind_parameters, resolve_parameters
from sla.kpis.serialise import kpi_result_json
from sla.relief.values import Relief, Span
from tests.long import LONG
from tests.sla.engines.clusters import executors_of, spark_cluster
from tests.sla.engines.evidence import write_evidence
from tests.sla.kpis.ledgers import calendars_in
from tests.sla.kpis.test_cases import read_figures

_MARCH = Period.month(2026, 3)
_CALENDARS = calendars_in(
    {
        "time_zone": "Europe/Berlin",
        "business_hours": {
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "opens": "09:00",
            "closes": "17:00",
        },
    }
)
_LACKING = missing_for_spark()
pytestmark = [
    pytest.mark.skipif(bool(_LACKING), reason=f"Spark lacks {_LACKING}"),
    # What Spark says of itself when it is imported is no fault of a test.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


def test_every_figure_is_the_same_on_spark(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """One test, since starting a cluster takes longer than a hundred figures on it."""
    files = require_clean(
        read_evidence(
            write_evidence(tmp_path / "evidence"), tmp_path / "store", None, "Europe/Berlin"
        )
    ).files
    with spark_cluster(tmp_path) as spark:
        with _both(files, spark) as (here, there):
            assert here.handed_in == there.handed_in == set(DATASETS)
            for name in _chosen(load_catalogue()):
                with subtests.test("KPI on all datasets", kpi=name):
                    _compare_kpi(load_catalogue()[name], here, there)
            for name in _chosen(load_meters()):
                with subtests.test("meter on all datasets", meter=name):
                    _compare_meter(name, here, there)
            with subtests.test("indices and milestones"):
                assert index_series(here) == index_series(there) != {}
                reached = [milestones_reached(one, _MARCH.end) for one in (here, there)]
                assert reached[0] == reached[1] != {}
            with subtests.test("relief"):
                _compare_relief(here, there)
            with subtests.test("relief of time"):
                _compare_stopped_clocks(here, there)
            with subtests.test("texts that look like SQL or settings"):
                _compare_texts(here, there)
            with subtests.test("findings"):
                assert there.warnings == here.warnings
            with subtests.test("what isn't the ledger's"):
                _refuse_others(there, files)
        assert executors_of(spark) == 2


def _chosen(names: Iterable[str]) -> list[str]:
    """All of them in the long form of the tests; otherwise every fourth."""
    return sorted(names)[:: 1 if LONG else 4]


@contextmanager
def _both(files: Sequence[EvidenceFile], spark: Engine) -> Iterator[tuple[Ledger, Ledger]]:
    with ExitStack() as stack:
        here = stack.enter_context(open_ledger(files, "EUR", calendars=_CALENDARS))
        there = stack.enter_context(open_ledger(files, "EUR", calendars=_CALENDARS, engine=spark))
        yield here, there


def _needed(definition: KpiDefinition) -> Mapping[str, str]:
    """What the KPI can't do without, taken from the first worked case that says it."""
    needed = {name for name, one in definition.parameters.items() if one.default is None}
    for _, figure in read_figures():
        given: Mapping[str, str] = figure.get("set", {})
        if figure["kpi"] == definition.name and needed <= given.keys():
            return {name: given[name] for name in needed}
    assert not needed, f"tests/cases has no case of {definition.name}"
    return {}


def _compare_kpi(definition: KpiDefinition, here: Ledger, there: Ledger) -> None:
    given = _needed(definition)
    results = [kpi_result_json(run_kpi(definition, one, _MARCH, given)) for one in (here, there)]
    assert results[0] == results[1]
    assert results[0]["status"] == "measured", "a figure of nothing says nothing"
    _compare_rows(definition, here, there, given)


def _compare_rows(
    definition: KpiDefinition, here: Ledger, there: Ledger, given: Mapping[str, str]
) -> None:
    bound = bind_parameters(definition, resolve_parameters(definition, given), _MARCH)
    query = f"{definition.drill_down_sql}\nLIMIT $page_limit OFFSET $page_offset"
    page = {**bound, "page_limit": 500, "page_offset": 1}
    first, second = (one.execute(query, page) for one in (here, there))
    assert first.columns == second.columns
    assert _shown(first.rows) == _shown(second.rows)


def _shown(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Cells as text: a decimal with its places, a time with its parts."""
    return [tuple(str(cell) for cell in row) for row in rows]


def _compare_meter(name: str, here: Ledger, there: Ledger) -> None:
    assert read_meter(name, here, _MARCH) == read_meter(name, there, _MARCH)
    assert drill_down_meter(name, here, _MARCH) == drill_down_meter(name, there, _MARCH)


def _compare_relief(here: Ledger, there: Ledger) -> None:
    definition = load_catalogue()["share_past_due"]
    taken = frozenset({"it's", *(f"invoices-{number}" for number in range(0, 300, 2))})
    relief = Relief({"invoices": taken}, ())
    first, second = (run_kpi(definition, one, _MARCH, {}, relief=relief) for one in (here, there))
    assert first == second
    assert first.rows < run_kpi(definition, here, _MARCH, {}).rows


def _compare_stopped_clocks(here: Ledger, there: Ledger) -> None:
    """A span over the night in which the clocks go forward."""
    definition = load_catalogue()["clock_time"]
    given = _needed(definition)
    days = (datetime(2026, 3, 20, 12, tzinfo=UTC), datetime(2026, 3, 30, 10, 30, tzinfo=UTC))
    relief = Relief({}, (Span(*days),))
    first, second = (
        run_kpi(definition, one, _MARCH, given, relief=relief) for one in (here, there)
    )
    assert first == second
    assert first.value != run_kpi(definition, here, _MARCH, given).value


def _compare_texts(here: Ledger, there: Ledger) -> None:
    query = "SELECT $text AS said, count(*) AS rows FROM customers WHERE name = $text OR $no"
    for text in ("it's", "back\\slash", "${env:HOME}", "' OR 1 = 1 --", "né\n"):
        bound = {"text": text, "no": False}
        assert there.execute(query, bound) == here.execute(query, bound)


def _refuse_others(there: Ledger, files: Sequence[EvidenceFile]) -> None:
    path = str(files[0].path)
    for query in (
        f"FROM parquet.`{path}`",
        "SELECT java_method('java.lang.System', 'getProperty', 'user.home')",
        f"FROM '{path}'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM information_schema.tables",
        "DROP TABLE invoices",
    ):
        with pytest.raises(BadInput, match="can't run on Spark"):
            there.execute(query, {})
