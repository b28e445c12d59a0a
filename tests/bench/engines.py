"""The whole catalogue on DuckDB and on Spark, over the same evidence."""

from __future__ import annotations

from collections.abc import Sequence

from sla.engines.engine import Engine
from sla.evidence.ledger import open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.catalogue import load_catalogue
from sla.kpis.engine import run_kpi
from tests.bench.kpis import MONTH, PARAMETERS, calendars
from tests.bench.measuring import seconds


def engines_table(files: Sequence[EvidenceFile], engine: Engine) -> str:
    """Every KPI of one month on both engines, as a Markdown section; each has run once before.

    Stops with an AssertionError where the figures differ.
    """
    lines = [
        "## Every KPI on DuckDB and on Spark\n",
        "| KPI | DuckDB s | Spark s | ratio |",
        "| --- | ---: | ---: | ---: |",
    ]
    with (
        open_ledger(files, "EUR", calendars=calendars()) as here,
        open_ledger(files, "EUR", calendars=calendars(), engine=engine) as there,
    ):
        for name, definition in load_catalogue().items():
            given = PARAMETERS.get(name, {})
            first, second = (run_kpi(definition, one, MONTH, given) for one in (here, there))
            assert first == second, name
            one = seconds(lambda: run_kpi(definition, here, MONTH, given))  # noqa: B023 (it runs at once)
            other = seconds(lambda: run_kpi(definition, there, MONTH, given))  # noqa: B023 (the same)
            lines.append(f"| {name} | {one:.2f} | {other:.2f} | {other / one:.1f} |")
    return "\n".join(lines) + "\n"
