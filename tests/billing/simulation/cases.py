"""Simulations of the contract and ledger of tests/cases/settlement.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from billing.simulation.calculation import Progress, Questions, simulate
from billing.simulation.checks import months_from
from billing.simulation.values import LevelSensitivity, Simulation, Stretch, Subject
from governance.values import Period
from sla.kpis.catalogue import load_catalogue
from tests.billing.settlement.cases import contract_of, tables_of
from tests.sla.kpis.ledgers import ledger_of

D = Decimal
Change = Mapping[str, Any]
USUAL: Change = {}


def simulated(
    new: Change = USUAL,
    old: Change | None = None,
    periods: str = "2026-01..2026-03",
    month: str = "",
    progress: Progress = lambda _done, _all: None,
) -> Simulation:
    """The usual contract, changed as `new` and `old` say, over some months."""
    chosen = Period.parse(month) if month else None
    questions = Questions(months_from(periods), chosen)
    with ledger_of(tables_of(new)) as ledger:
        subject = Subject("new.yaml", "a" * 64, contract_of(new), ledger)
        other = Subject("old.yaml", "b" * 64, contract_of(old), ledger) if old is not None else None
        return simulate(subject, other, questions, load_catalogue(), progress)


def stretches_of(level: LevelSensitivity) -> list[tuple[Decimal, Decimal, Decimal, Decimal]]:
    """Better and worse end, and the credit at each."""
    return [_plain(one) for one in level.stretches]


def _plain(one: Stretch) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return one.better, one.worse, one.credit_at_better, one.credit_at_worse
