"""A settled January with the people who review it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from billing.settlement.acceptance import state_of_period
from billing.settlement.models import SettlementRecord
from billing.settlement.queries import current_settlement
from billing.settlement.reviewing import (
    seal_period,
    submit_period,
)
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor
from governance.engagements.models import Engagement
from sla.reviews.models import FiguresSubmission
from sla.reviews.queries import ReviewView, review_of
from tests.factories import (
    JANUARY,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A settled January, and one person for each duty."""

    session: Session
    engagement: Engagement
    manager: Actor
    finance: Actor
    chair: Actor
    settled: SettlementRecord
    workshop: Workshop

    @property
    def state(self) -> str:
        """Where January stands."""
        return state_of_period(
            self.session, current_settlement(self.session, self.engagement, JANUARY)
        )

    @property
    def review(self) -> ReviewView:
        """What is said about January."""
        found = review_of(self.session, self.engagement, JANUARY)
        assert found is not None
        return found

    def item(self, key: str) -> int:
        """The number of one item."""
        return next(one.item.id for one in self.review.items if one.item.key == key)

    def states(self) -> dict[str, str]:
        """How far both sides are with each item."""
        return {one.item.key: one.item.state.value for one in self.review.items}

    def submit(self) -> FiguresSubmission:
        """The manager hands the figures over."""
        return submit_period(self.session, self.manager, self.engagement, JANUARY, "all is in")

    def seal(self, actor: Actor | None = None, seen: int | None = None) -> None:
        """The chair, or somebody else, agrees to the rest and seals."""
        who, catalogue = actor or self.chair, self.workshop.catalogue
        seal_period(self.session, who, self.engagement, JANUARY, catalogue, seen=seen)

    def settle(self, actor: Actor | None = None) -> SettlementRecord:
        """January is settled again."""
        who = actor or self.manager
        return settle_period(self.session, who, self.engagement, JANUARY, self.workshop)
