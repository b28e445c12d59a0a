"""What corrected evidence would change in periods that are settled, before it counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from billing.settlement.inputs import inputs_of
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import current_settlements
from governance.access import Actor, Permission
from governance.calendars import calendars_of
from governance.contract.document import Contract
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.service import contract_of, require
from governance.errors import BadInput
from governance.values import Period
from sla.evidence.differences import TableDifference
from sla.evidence.ledger import Ledger, open_ledger
from sla.evidence.values import EvidenceFile
from sla.kpis.definitions import KpiDefinition
from sla.measurements.calculation import measure
from sla.measurements.circumstances import Circumstances
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.measurements.promises import reached_in
from sla.measurements.queries import measurement_of
from sla.measurements.service import measurements_of
from sla.measurements.values import Measurement
from sla.reviews.queries import seal_of


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """One service level's figure as it was settled, and as it would be."""

    service_level: str
    kpi: str
    unit: str
    before: Decimal | None
    """None where there was no data, or no such service level."""
    after: Decimal | None
    status_before: str
    status_after: str

    @property
    def difference(self) -> Decimal | None:
        """After less before; None where one of them is missing."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def is_same(self) -> bool:
        """Whether nothing that people see would change."""
        return (self.before, self.status_before) == (self.after, self.status_after)


@dataclass(frozen=True, slots=True)
class PeriodDifference:
    """The service levels of one settled period."""

    label: str
    sealed: bool
    """Then nothing changes by itself: the figures show what a restatement would state."""
    levels: tuple[LevelDifference, ...]
    problems: tuple[str, ...] = ()
    """Why it can't be measured from the corrected evidence, in words."""

    @property
    def is_same(self) -> bool:
        """Whether every figure stays."""
        return not self.problems and all(level.is_same for level in self.levels)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person is shown before corrected evidence counts."""

    tables: tuple[TableDifference, ...]
    periods: tuple[PeriodDifference, ...]
    """Newest first."""
    left_out: int = 0
    """Older settled periods that weren't measured again: there are too many, or time ran out."""

    @property
    def changed_periods(self) -> tuple[PeriodDifference, ...]:
        """The periods in which a figure differs."""
        return tuple(one for one in self.periods if not one.is_same)


_COMPARISON: TypeAdapter[Comparison] = TypeAdapter(Comparison)


def comparison_json(comparison: Comparison) -> str:
    """As it is kept."""
    return _COMPARISON.dump_json(comparison).decode()


def comparison_of(text: str) -> Comparison:
    """What `comparison_json` wrote."""
    return _COMPARISON.validate_json(text)


@dataclass(frozen=True, slots=True)
class Before:
    """A settled period: what was measured, and all that measuring it again needs."""

    period: Period
    contract: Contract
    circumstances: Circumstances
    sealed: bool
    measurements: tuple[Measurement, ...]


def settled_before(session: Session, actor: Actor, engagement: Engagement) -> tuple[Before, ...]:
    """The settled periods of an engagement as they stand, newest first."""
    require(session, actor, engagement, Permission.HAND_IN_EVIDENCE)
    rows = session.scalars(current_settlements(engagement)).all()
    newest = sorted(rows, key=lambda row: row.period_start, reverse=True)
    return tuple(_before(session, engagement, row) for row in newest)


def _before(session: Session, engagement: Engagement, row: SettlementRecord) -> Before:
    period = Period(row.period_start, row.period_end)
    measured = session.get_one(MeasuredPeriodRecord, row.measured_period_id)
    records: Sequence[MeasurementRecord] = measurements_of(session, measured)
    version = session.get_one(ContractVersion, row.contract_version_id)
    return Before(
        period,
        contract_of(version),
        inputs_of(session, engagement, period).circumstances(period),
        seal_of(session, row.measured_period_id) is not None,
        tuple(measurement_of(record) for record in records),
    )


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured again at most."""

    periods: int
    seconds: float


def compare_figures(
    before: Sequence[Before],
    files: Sequence[EvidenceFile],
    catalogue: Mapping[str, KpiDefinition],
    effort: Effort,
) -> tuple[tuple[PeriodDifference, ...], int]:
    """Measure settled periods again from these files; answers also with how many were left out.

    It goes by period, newest first, and stops between two of them once the time is up. A period
    that can't be measured says why.
    """
    stops_at = time.monotonic() + effort.seconds
    found: list[PeriodDifference] = []
    with ExitStack() as stack:
        ledgers = _Ledgers(stack, files)
        for one in before[: effort.periods]:
            if found and time.monotonic() > stops_at:
                break
            found.append(_period(one, ledgers, catalogue))
    return tuple(found), len(before) - len(found)


class _Ledgers:
    """One ledger for all periods under the same currency and calendars."""

    def __init__(self, stack: ExitStack, files: Sequence[EvidenceFile]) -> None:
        self._stack, self._files = stack, files
        self._open: dict[str, Ledger] = {}

    def of(self, contract: Contract) -> Ledger:
        """The ledger as the contract reads it."""
        frame = contract.engagement
        key = frame.model_dump_json()
        if key not in self._open:
            opened = open_ledger(self._files, frame.currency, calendars=calendars_of(frame))
            self._open[key] = self._stack.enter_context(opened)
        return self._open[key]


def _period(
    before: Before, ledgers: _Ledgers, catalogue: Mapping[str, KpiDefinition]
) -> PeriodDifference:
    label = before.period.label
    try:
        ledger = ledgers.of(before.contract)
        # A promise rose with the values that were stated then, whatever the evidence says today.
        under = replace(before.circumstances, reached=reached_in(before.measurements))
        after = measure(before.contract, ledger, before.period, catalogue, under)
    except BadInput as error:
        problems = tuple(str(problem) for problem in error.problems)
        return PeriodDifference(label, before.sealed, (), problems)
    old = {one.service_level: one for one in before.measurements}
    new = {one.service_level: one for one in after.results}
    names = dict.fromkeys([*old, *new])
    levels = tuple(_level(name, old.get(name), new.get(name)) for name in names)
    return PeriodDifference(label, before.sealed, levels)


def _level(name: str, before: Measurement | None, after: Measurement | None) -> LevelDifference:
    either = after or before
    return LevelDifference(
        name,
        either.kpi if either else "",
        either.unit if either else "",
        before.value if before else None,
        after.value if after else None,
        before.status if before else "",
        after.status if after else "",
    )
