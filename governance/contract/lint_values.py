"""What a lint rule reads, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from governance.contract.charges import Charge
from governance.contract.checks_service_levels import direction_of
from governance.contract.document import Contract
from governance.contract.kpi_signature import Direction, KpiSignature
from governance.contract.service_levels import ServiceLevel
from governance.contract.yaml_nodes import Path
from governance.values import plain, round_money

NOT_STATED = "not stated"
"""What a clause is where the document names none."""

_C = TypeVar("_C", bound=Charge)


class Weight(StrEnum):
    """How much a finding should worry its reader."""

    WARNING = "warning"
    """Probably a slip, or a term that does not do what it seems to."""
    NOTE = "note"
    """As may well be meant, but worth knowing before one signs."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing about a sound contract that may be unwise."""

    path: Path
    what: str
    """What stands out, in a sentence without a full stop."""
    advice: str
    """What to do, in a sentence without a full stop."""
    clause: str = NOT_STATED
    """Where the signed contract says so."""
    weight: Weight = Weight.WARNING


Concerns = Iterator[Concern]


@dataclass(frozen=True, slots=True)
class Reading:
    """A contract, and what it is read against."""

    contract: Contract
    day: date
    """The day on which it is read: what lies before is past."""
    kpis: Mapping[str, KpiSignature] | None = None
    """Without it nothing is said that needs a KPI's direction or unit."""
    meters: frozenset[str] = frozenset()
    """The quantities that are counted from evidence."""

    def levels(self) -> Iterator[tuple[Path, ServiceLevel]]:
        """Every service level with its path."""
        for index, level in enumerate(self.contract.service_levels):
            yield ("service_levels", index), level

    def charges(self) -> Iterator[tuple[Path, Charge]]:
        """Every charge with its path."""
        for index, charge in enumerate(self.contract.charges):
            yield ("charges", index), charge

    def charges_of(self, kind: type[_C]) -> Iterator[tuple[Path, _C]]:
        """Every charge of one type with its path."""
        for path, charge in self.charges():
            if isinstance(charge, kind):
                yield path, charge

    def direction(self, level: ServiceLevel) -> Direction | None:
        """Which way the service level is better; None where nothing tells."""
        return direction_of(level, self.kpis)

    def unit(self, level: ServiceLevel) -> str:
        """The unit of the service level's values; empty where nothing tells."""
        own = level.parameters.get("unit")
        if isinstance(own, str):
            return own
        known = (self.kpis or {}).get(level.kpi)
        return known.unit if known else ""

    def starts_of(self, charge: Charge) -> date:
        """The first day on which a charge can be billed."""
        starts = self.contract.engagement.starts
        return max(charge.from_ or starts, starts)

    def ends_of(self, charge: Charge) -> date | None:
        """The last day on which a charge can be billed; None is open."""
        ends = [day for day in (charge.to, self.contract.engagement.ends) if day is not None]
        return min(ends, default=None)

    def money(self, amount: Decimal) -> str:
        """An amount with the decimals of the contract's currency, such as 12,500.00."""
        return f"{round_money(amount, self.contract.engagement.currency):,f}"


Rule = Callable[[Reading], Concerns]


def charge_concern(
    charge: Charge, path: Path, what: str, advice: str, weight: Weight = Weight.WARNING
) -> Concern:
    """A concern about a charge, which starts with its id."""
    return Concern(path, f"charge {charge.id}: {what}", advice, charge.clause, weight)


def level_concern(
    level: ServiceLevel, path: Path, what: str, advice: str, weight: Weight = Weight.WARNING
) -> Concern:
    """A concern about a service level, which starts with its id."""
    return Concern(path, f"service level {level.id}: {what}", advice, level.clause, weight)


def listed(names: list[str]) -> str:
    """ "A", "A and B", "A, B and C"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def percent(value: Decimal) -> str:
    """A percentage in words: "12.5 %"."""
    return f"{plain(value)} %"


def months_from(first: date, last: date) -> int:
    """Calendar months that the two days span, both months counted."""
    return (last.year - first.year) * 12 + last.month - first.month + 1
