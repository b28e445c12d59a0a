"""One request is one transaction: opened and committed here, and nowhere deeper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request
from sqlmodel import Session

from app.database import session_scope
from app.settings import Settings
from app.web.addresses import identifier
from billing.settlement.service import Workshop
from governance.access import Actor, Permission, permits
from governance.engagements.models import Engagement
from governance.engagements.service import get_engagement, roles_in

_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Work:
    """What a handler works with."""

    session: Session
    actor: Actor
    settings: Settings
    workshop: Workshop

    @property
    def store(self) -> Path:
        """Folder of the evidence tables."""
        return self.workshop.store

    @property
    def scratch(self) -> Path:
        """Folder for uploads while they are read."""
        return self.settings.data_dir / "uploads"


@contextmanager
def work(request: Request[Any, Any, Any]) -> Iterator[Work]:
    """The request's transaction; one that reads can't write."""
    state = request.app.state
    with session_scope(state.engine, read_only=request.method in _READING) as session:
        yield Work(session, request.user.actor, state.settings, state.workshop)


@contextmanager
def engagement_work(
    request: Request[Any, Any, Any], permission: Permission = Permission.VIEW
) -> Iterator[tuple[Work, Engagement]]:
    """The request's transaction and the engagement that its address names.

    Raises NotFound for another tenant's engagement.
    """
    reference = identifier(request.path_params["reference"])
    with work(request) as unit:
        yield unit, get_engagement(unit.session, unit.actor, reference, permission)


def allowed(unit: Work, engagement: Engagement) -> frozenset[Permission]:
    """What the user may do in the engagement, so that pages offer nothing else."""
    roles = roles_in(unit.session, unit.actor, engagement)
    return frozenset(one for one in Permission if permits(roles, one))
