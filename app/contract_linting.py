"""Warnings about a contract, read against all that this installation knows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from billing.metering.catalogue import load_meters
from governance.contract.document import Contract
from governance.contract.lint import ContractWarning, LintContext, lint_contract
from sla.kpis.catalogue import signatures


def contract_warnings(
    contract: Contract, data: bytes, file: str, day: date, kpi_dir: Path | None = None
) -> tuple[ContractWarning, ...]:
    """What is unwise about a contract that was read from `data`, as seen on a day.

    `kpi_dir` is the folder of own KPIs.
    """
    context = LintContext(day, signatures(kpi_dir), load_meters())
    return lint_contract(contract, data, file, context)
