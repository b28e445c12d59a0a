"""The installation's log is for those who run it, and tells nothing of any engagement."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.parties.models import OperatorTerm, User
from governance.tenancy import EVERYTHING
from tests.app.web.support import HOSTILE, World

LOG = "/operation/log"


def _operator(world: World) -> User:
    """A stranger to ENG-1 who runs the installation, and was refused to sign in."""
    at = datetime.now(UTC)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        session.add(OperatorTerm(user_id=world.stranger.id, granted_at=at))
        stranger = Actor(None, "not signed in", at, "request-7")
        refused = Change(Action.USER_SIGN_IN_REFUSED, "user_account", "", HOSTILE)
        record(session, stranger, refused)
    return world.stranger


def test_the_operator_searches_what_belongs_to_no_engagement(own_world: World) -> None:
    operator = _operator(own_world)
    with own_world.signed_in(operator) as (browser, _):
        page = browser.get(f"{LOG}?action=user%3Asign_in_refused&request=request-7").text
        whole = browser.get(LOG).text
    assert '<h2 id="found">1 entry</h2>' in page
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "opened the engagement" not in whole


def test_one_entry_opens_and_one_of_an_engagement_does_not(own_world: World) -> None:
    operator = _operator(own_world)
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        newest = select(AuditEntry).order_by(col(AuditEntry.id).desc())
        own = session.scalars(newest.where(col(AuditEntry.engagement_id).is_(None))).first()
        theirs = session.scalars(newest.where(col(AuditEntry.engagement_id) == 1)).first()
    assert own is not None
    assert theirs is not None
    with own_world.signed_in(operator) as (browser, _):
        assert "Pending" in browser.get(f"{LOG}/{own.uid}").text
        assert browser.get(f"{LOG}/{theirs.uid}").status_code == 404


def test_others_are_refused(own_world: World) -> None:
    for user in (own_world.manager, own_world.auditor, own_world.chair):
        with own_world.signed_in(user) as (browser, _):
            assert browser.get(LOG).status_code == 403
