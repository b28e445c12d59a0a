"""A month's service credit judged again, with another base or another value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.settlement.dated import milestones_reached
from billing.settlement.history import months_until
from billing.settlement.values import SealedMonth, Settlement
from governance.values import Period
from sla.evidence.ledger import Ledger
from sla.kpis.definitions import KpiDefinition
from sla.service_credits.calculation import Judgement, directions_of, judge
from sla.service_credits.measured import results_of
from sla.service_credits.values import LevelResult, PeriodResults, ServiceCredits


@dataclass(frozen=True, slots=True)
class Crediting:
    """The months that a month's credit follows from, the month itself last."""

    judgements: tuple[Judgement, ...]

    @classmethod
    def of(
        cls,
        settled: Settlement,
        past: Mapping[Period, SealedMonth],
        catalogue: Mapping[str, KpiDefinition],
        ledger: Ledger,
    ) -> Crediting:
        """From a settled month and those before it, whose credits stand."""
        contract = settled.contract
        signatures = {name: one.signature for name, one in catalogue.items()}
        directions = directions_of(contract, signatures)
        before = [past[month] for month in months_until(contract, settled.period)[:-1]]
        earlier = [
            Judgement(
                contract,
                directions,
                results_of(one.measured, one.credit_base),
                one.credits,
            )
            for one in before
        ]
        base = settled.priced.credit_base
        results = results_of(settled.measured, base)
        terms = contract.service_credits
        if terms is not None and terms.milestones:
            reached = milestones_reached(ledger, settled.period.end)
            results = replace(results, milestones=reached)
        now = Judgement(contract, directions, results)
        return cls((*earlier, now))

    def on(self, base: Decimal) -> ServiceCredits | None:
        """The month's credit with another base; None where the contract agrees none."""
        results = self.judgements[-1].results
        return self._judged(replace(results, charges=max(base, Decimal(0))))

    def at(self, level: str, value: Decimal) -> ServiceCredits | None:
        """The month's credit with another value of one service level."""
        results = self.judgements[-1].results
        known = results.results.get(level, LevelResult(None))
        changed = replace(known, value=value, excused=False)
        return self._judged(replace(results, results={**results.results, level: changed}))

    def _judged(self, results: PeriodResults) -> ServiceCredits | None:
        now = self.judgements[-1]
        if now.contract.service_credits is None:
            return None
        return judge((*self.judgements[:-1], replace(now, results=results)))[-1]
