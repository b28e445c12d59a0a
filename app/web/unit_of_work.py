"""One request is one transaction: opened and committed here, and nowhere deeper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request
from sqlmodel import Session

from app.database import actor_scope
from app.settings import Settings
from app.web.addresses import identifier
from billing.settlement.service import Workshop
from governance.access import Actor, Permission, decide
from governance.engagements.models import Engagement
from governance.engagements.queries import get_engagement, standing_of
from governance.tenancy import narrow
from sla.evidence.store import EvidenceStore

_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Work:
    """What a handler works with."""

    session: Session
    actor: Actor
    settings: Settings
    workshop: Workshop

    @property
    def store(self) -> EvidenceStore:
        """Where the evidence tables lie."""
        return self.workshop.store

    @property
    def scratch(self) -> Path:
        """Folder for uploads while they are read."""
        return self.settings.data_dir / "uploads"


@contextmanager
def work(
    request: Request[Any, Any, Any], *, installation: bool = False, reading: bool | None = None
) -> Iterator[Work]:
    """The request's transaction, which sees only the user's engagements.

    One that reads can't write; by default that is what GET does. `installation` also shows what
    belongs to no engagement; the handler's guard has checked that the user may see it.
    """
    state, actor = request.app.state, request.user.actor
    reading = request.method in _READING if reading is None else reading
    with actor_scope(state.engine, actor, installation=installation, read_only=reading) as session:
        yield Work(session, actor, state.settings, state.workshop)


@contextmanager
def engagement_work(
    request: Request[Any, Any, Any],
    permission: Permission = Permission.VIEW,
    *,
    reading: bool | None = None,
) -> Iterator[tuple[Work, Engagement]]:
    """The request's transaction, and the engagement that its address names: it sees no other.

    A request that does long work reads in one transaction and writes in another, so that nobody
    waits for it. Raises NotFound for another tenant's engagement.
    """
    reference = identifier(request.path_params["reference"])
    with work(request, reading=reading) as unit:
        engagement = get_engagement(unit.session, unit.actor, reference, permission)
        narrow(unit.session, engagement.id)
        yield unit, engagement


def allowed(unit: Work, engagement: Engagement) -> frozenset[Permission]:
    """What the user may do in the engagement, so that pages offer nothing else."""
    standing = standing_of(unit.session, unit.actor, engagement)
    return frozenset(one for one in Permission if decide(standing, one).allowed)
