"""What a run has come to, as its page and the command line say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.runs.kinds import DRAFTS, ISSUE
from billing.runs.packs import PACK, PACKS
from billing.runs.preview import BILLING, settled_in
from billing.runs.values import sums
from governance.engagements.models import Engagement
from governance.parties.models import Organisation, User
from governance.runs.models import Run, RunItem
from governance.runs.queries import items_of, steps_of
from governance.runs.values import ItemState
from governance.values import Money
from sla.evidence.drop_runs import HAND_IN, IMPORTS, PUT_AWAY

TITLES: Final[Mapping[str, str]] = {
    BILLING: "Billing run",
    DRAFTS: "Preparation of drafts",
    PACKS: "Reports",
    IMPORTS: "Hand-ins from the drop folder",
}
STEPS: Final[Mapping[str, str]] = {
    "issue": "Invoices issued",
    "draw": "PDFs made",
    "settle": "Periods settled",
    PACK: "Reports collected",
    HAND_IN: "Folders handed in",
    PUT_AWAY: "Folders put away",
}


@dataclass(frozen=True, slots=True)
class Step:
    """How far one step of a run is, in the engagements that are seen."""

    title: str
    done: int
    skipped: int
    set_aside: int
    waiting: int

    @property
    def total(self) -> int:
        """All of its items."""
        return self.done + self.skipped + self.set_aside + self.waiting


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item with its engagement."""

    item: RunItem
    engagement: Engagement
    step: str


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as its page shows it."""

    run: Run
    title: str
    provider: str
    starter: str
    steps: tuple[Step, ...]
    aside: tuple[ItemView, ...]
    totals: tuple[Money, ...]
    """What the invoices that it issued come to."""

    @property
    def has_reports(self) -> bool:
        """Whether there are reports to be downloaded."""
        return self.run.kind == PACKS and any(step.done for step in self.steps)


def run_view(session: Session, run: Run) -> RunView:
    """The run; of its engagements only those that the session sees."""
    counts = steps_of(session, run)
    named = [(STEPS[step], counts[step]) for step in STEPS if step in counts]
    return RunView(
        run=run,
        title=TITLES[run.kind],
        provider=session.get_one(Organisation, run.organisation_id).name,
        starter=session.get_one(User, run.started_by_id).name,
        steps=tuple(_step(title, found) for title, found in named),
        aside=_views(session, items_of(session, run, ItemState.SET_ASIDE)),
        totals=_totals(session, run),
    )


def _step(title: str, counts: Mapping[ItemState, int]) -> Step:
    return Step(
        title,
        counts.get(ItemState.DONE, 0),
        counts.get(ItemState.SKIPPED, 0),
        counts.get(ItemState.SET_ASIDE, 0),
        counts.get(ItemState.WAITING, 0),
    )


def _views(session: Session, items: tuple[RunItem, ...]) -> tuple[ItemView, ...]:
    ids = {one.engagement_id for one in items}
    found = session.scalars(select(Engagement).where(col(Engagement.id).in_(ids)))
    engagements = {one.id: one for one in found}
    return tuple(ItemView(one, engagements[one.engagement_id], STEPS[one.step]) for one in items)


def _totals(session: Session, run: Run) -> tuple[Money, ...]:
    done = {
        one.engagement_id for one in items_of(session, run, ItemState.DONE) if one.step == ISSUE
    }
    engagements = session.scalars(select(Engagement).where(col(Engagement.id).in_(done))).all()
    issued = settled_in(session, engagements, run.period).values()
    return sums(invoice.money(invoice.payable_minor) for _, invoice in issued)
