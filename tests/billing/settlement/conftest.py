"""What reviews of a settled period start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import Session

from billing.settlement.service import settle_period
from governance.access import Role
from tests.billing.settlement.scenes import Scene
from tests.factories import (
    JANUARY,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
)


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    manager, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, tmp_path)
    return Scene(
        session,
        engagement,
        manager,
        make_member(session, engagement, Role.PROVIDER_FINANCE),
        make_member(session, engagement, Role.COMMITTEE_CHAIR),
        settle_period(session, manager, engagement, JANUARY, workshop),
        workshop,
    )
