"""What a contract would have cost and credited, month by month, beside another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from billing.settlement.history import months_until
from billing.settlement.values import Settlement
from billing.simulation.checks import check_questions
from billing.simulation.comparison import compared_months, differences
from billing.simulation.crediting import Crediting
from billing.simulation.levels import sensitivities
from billing.simulation.months import Course
from billing.simulation.remembering import RememberingLedger
from billing.simulation.rows import Rows
from billing.simulation.values import (
    LevelSensitivity,
    MonthRow,
    SimulatedContract,
    Simulation,
    Subject,
    VolumeStep,
)
from billing.simulation.volume import mean_steps, volume_steps
from governance.errors import BadInput
from governance.values import Period
from sla.kpis.definitions import KpiDefinition
from sla.relief.values import ReliefEvent

Progress = Callable[[int, int], None]
"""Is told how many steps of how many are done; it may raise to end the work."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of the contracts."""

    months: tuple[Period, ...]
    """In a row, oldest first."""
    sensitivity_of: Period | None = None
    """The month that volume and service levels are changed in. None changes the volume of all
    months, and the service levels of the last one that can be priced."""
    relief: tuple[ReliefEvent, ...] = ()


def simulate(
    new: Subject,
    old: Subject | None,
    questions: Questions,
    catalogue: Mapping[str, KpiDefinition],
    progress: Progress = lambda _done, _all: None,
) -> Simulation:
    """Settle every month under each contract as if it had been in force all the time.

    Nothing but contract, evidence and relief counts: what both sides decided or sealed since is
    left out. A month's history is the months before it under the same contract, from as far back
    as settlement looks and the evidence has rows. What both contracts ask of the same evidence is
    asked once. A month that a contract can't price is set aside with the reason.

    Raises BadInput for contracts in different currencies, and for months outside the new
    contract's engagement; the old contract's own such months are set aside.
    """
    against = (old.name, old.contract) if old else None
    asked = (questions.months, questions.sensitivity_of)
    check_questions(new.name, new.contract, *asked, against)
    subjects = [one for one in (old, new) if one is not None]
    runs = _runs(subjects, questions, catalogue)
    spans = [run.span() for run in runs]
    every = sorted({month for span in spans for month in span})
    todo = sum(len(span) for span in spans)
    done = 0
    for month in every:
        for run, span in zip(runs, spans, strict=True):
            if month in span:
                run.go(month)
                done += 1
                progress(done, todo)
        for run in runs:
            run.forget()
    found = [run.result() for run in runs]
    after, before = found[-1], found[0] if old else None
    compared = compared_months(before, after)
    return Simulation(
        currency=new.contract.engagement.currency,
        months=tuple(month.label for month in questions.months),
        new=after,
        old=before,
        compared=compared,
        differences=differences(before, after, compared),
        evidence={name: one.sha256 for name, one in sorted(new.ledger.digests.items())},
        warnings=tuple(dict.fromkeys(said for run in runs for said in run.warnings)),
    )


def _runs(
    subjects: Sequence[Subject], questions: Questions, catalogue: Mapping[str, KpiDefinition]
) -> list[_Run]:
    """Contracts that read the same ledger share what it remembers."""
    ledgers: dict[int, RememberingLedger] = {}
    found = []
    for one in subjects:
        ledger = ledgers.setdefault(id(one.ledger), RememberingLedger.of(one.ledger))
        subject = Subject(one.name, one.sha256, one.contract, ledger)
        course = Course(subject, catalogue, questions.relief)
        found.append(_Run(subject, ledger, course, questions, catalogue))
    return found


@dataclass(slots=True)
class _Run:
    """One contract through all months, and what is kept of them."""

    subject: Subject
    ledger: RememberingLedger
    course: Course
    questions: Questions
    catalogue: Mapping[str, KpiDefinition]
    rows: Rows = field(init=False)
    volume: list[tuple[VolumeStep, ...]] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    """What was found on the evidence, in the order in which it was."""
    latest: tuple[Settlement, Crediting] | None = None
    """The month whose service levels are changed at the end."""

    def __post_init__(self) -> None:
        self.rows = Rows(self.subject.contract)

    def span(self) -> tuple[Period, ...]:
        """The months to settle: those asked for, and those that are their history."""
        for month in self.questions.months:
            try:
                before = months_until(self.subject.contract, month)[:-1]
            except BadInput:
                continue
            asked = self.questions.months
            return (*(one for one in before if one < asked[0]), *asked)
        return self.questions.months

    def go(self, month: Period) -> None:
        """Settle one month, and keep what is asked of it."""
        settled = self.course.settle(month)
        if month not in self.questions.months:
            return
        if not isinstance(settled, Settlement):
            self.rows.set_aside(month, settled.problems)
            return
        self.rows.add(settled)
        self.warnings |= dict.fromkeys(one.message for one in settled.measured.warnings)
        crediting = Crediting.of(settled, self.course.past, self.catalogue, self.ledger)
        wanted = self.questions.sensitivity_of
        if wanted in {None, month}:
            if settled.priced.lines:
                self.volume.append(volume_steps(settled, crediting))
            self.latest = settled, crediting

    def forget(self) -> None:
        """Let go of the month's answers."""
        self.ledger.forget()

    def result(self) -> SimulatedContract:
        """All months of the contract."""
        contract, wanted = self.subject.contract, self.questions.sensitivity_of
        currency = contract.engagement.currency
        return SimulatedContract(
            name=self.subject.name,
            sha256=self.subject.sha256,
            reference=contract.engagement.reference,
            charges=self.rows.charges(),
            levels=self.rows.levels(),
            further=self.rows.further(),
            months=tuple(self._months()),
            volume=mean_steps(self.volume, currency) if self.volume else (),
            volume_of=wanted.label if wanted else "",
            sensitivity=self._sensitivity(),
            sensitivity_of=self.latest[0].period.label if self.latest else "",
        )

    def _months(self) -> Iterator[MonthRow]:
        for month in self.questions.months:
            yield self.rows.months[month.label]

    def _sensitivity(self) -> tuple[LevelSensitivity, ...]:
        return sensitivities(*self.latest) if self.latest else ()
