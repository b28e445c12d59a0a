"""Simulating a contract on two years of the demo ledger, beside a month alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from app.demo.files import write_demo_files
from billing.simulation.calculation import Questions, simulate
from billing.simulation.checks import months_from
from billing.simulation.opening import Named, subjects
from governance.contract.reading import contract_sha256, read_contract
from governance.values import Period
from sla.evidence.reading import read_evidence, require_clean
from sla.kpis.catalogue import load_catalogue
from tests.bench.measuring import SummaryLine, best_seconds, in_own_process

_MONTHS = "2024-11..2026-10"
"""All that the demo ledger holds."""
_LAST = "2026-10"


def simulation_line() -> SummaryLine:
    """24 months, with what volume and service levels change, beside the last month alone."""
    (both, alone), mebibytes = in_own_process(_measured)
    count = len(months_from(_MONTHS))
    what = f"simulate {count} months of the demo contract"
    return SummaryLine(what, "the last month alone, with its history", alone, both, mebibytes)


def _measured() -> tuple[float, float]:
    with TemporaryDirectory(prefix="plumbline-") as folder:
        demo = write_demo_files(Path(folder) / "demo")
        data = demo.contract.read_bytes().replace(b"starts: 2025-01-01", b"starts: 2024-11-01")
        contract = read_contract(data, "contract.yaml")
        zone = contract.engagement.time_zone
        read = read_evidence(demo.evidence, Path(folder) / "store", None, zone)
        evidence = require_clean(read)
        named = Named("contract.yaml", contract_sha256(data), contract)

        def run(months: tuple[Period, ...]) -> None:
            with subjects((named,), evidence.files) as (new,):
                simulate(new, None, Questions(months), load_catalogue())

        every, last = months_from(_MONTHS), months_from(f"{_LAST}..{_LAST}")
        return best_seconds(lambda: run(every), 1), best_seconds(lambda: run(last), 1)
