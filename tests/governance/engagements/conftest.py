"""The scene in which members come and go."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from governance.access import Role
from tests.factories import make_actor, make_engagement, make_member
from tests.governance.engagements.scenes import Scene


@pytest.fixture
def scene(session: Session) -> Scene:
    """An engagement with the lead of each side."""
    manager = make_actor(session)
    engagement = make_engagement(session, manager)
    return Scene(engagement, manager, make_member(session, engagement, Role.COMMITTEE_CHAIR))
