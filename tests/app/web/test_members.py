"""Members and duties: everyone sees who belongs, leads change it, the report is complete."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from app.security.authentication import cookie_name
from governance.access import Actor, Role, Side
from governance.engagements.models import DutyException, Engagement
from governance.parties.models import Membership, User
from governance.parties.operators import appoint_operator
from governance.tenancy import EVERYTHING
from tests.app.web.support import HOSTILE, World
from tests.factories import make_employee, make_role, make_user

ENGAGEMENT = "/engagements/ENG-1"
MEMBERS = f"{ENGAGEMENT}/members"
HTMX = {"HX-Request": "true"}


def _newcomer(world: World, side: Side | None = Side.CLIENT, name: str = "Ada Newcomer") -> User:
    """Somebody who has an account and no role."""
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        user = make_employee(session, engagement, side)
        user.name = name
    return user


def _get(world: World, session_token: str) -> int:
    """What a session that is open already gets for the engagement's page."""
    with world.browser() as browser:
        browser.cookies.set(cookie_name(world.settings, "session"), session_token)
        return browser.get(ENGAGEMENT).status_code


def _post(world: World, user: User, path: str, form: Mapping[str, str]) -> tuple[int, str]:
    with world.signed_in(user) as (browser, token):
        answer = browser.post(path, data={"csrf_token": token, **form})
    return answer.status_code, answer.text


def _roles(world: World, user: User) -> dict[Role, Membership]:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        found = session.scalars(select(Membership).where(col(Membership.user_id) == user.id))
        return {one.role: one for one in found}


def test_everyone_sees_who_belongs_and_leads_can_change_it(world: World) -> None:
    for user in (world.finance, world.auditor, world.billing, world.chair, world.manager):
        with world.signed_in(user) as (browser, _):
            page = browser.get(MEMBERS).text
        for part in ("Provider account manager", "Client finance", "Auditor", "Prüfhaus"):
            assert part in page
        leads = user.id in {world.chair.id, world.manager.id}
        assert ("Give somebody a role" in page) is leads
        assert (world.finance.email in page) is leads


def test_links_lead_to_members_and_duties(world: World) -> None:
    with world.signed_in(world.chair) as (browser, _):
        page = browser.get(ENGAGEMENT).text
    assert f'href="{MEMBERS}"' in page
    assert f'href="{ENGAGEMENT}/duties"' in page
    with world.signed_in(world.finance) as (browser, _):
        assert f'href="{ENGAGEMENT}/duties"' not in browser.get(ENGAGEMENT).text


def test_a_lead_gives_changes_and_takes_a_role(own_world: World) -> None:
    user = _newcomer(own_world)
    today = datetime.now(UTC).date()
    form = {"email": user.email.upper(), "role": "client_committee", "ends_on": str(today)}
    assert _post(own_world, own_world.chair, MEMBERS, form)[0] == 303
    membership = _roles(own_world, user)[Role.CLIENT_COMMITTEE]
    assert membership.ends_on == today
    session_token = own_world.start_session(user)
    assert _get(own_world, session_token) == 200
    here = f"{MEMBERS}/{membership.id}"
    with own_world.signed_in(own_world.chair) as (browser, token):
        assert user.name in browser.get(here).text
        later = {"csrf_token": token, "ends_on": str(today + timedelta(days=9))}
        assert browser.post(f"{here}/term", data=later).status_code == 303
        answer = browser.post(f"{here}/remove", data={"csrf_token": token})
        assert answer.status_code == 303
    assert _get(own_world, session_token) == 404
    assert _roles(own_world, user) == {}


def test_changing_days_asks_anew_who_one_is(own_world: World) -> None:
    membership = _roles(own_world, own_world.finance)[Role.CLIENT_FINANCE]
    ends_on = str(datetime.now(UTC).date() + timedelta(days=9))
    with own_world.signed_in(own_world.chair) as (browser, token):
        own_world.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        form = {"csrf_token": token, "ends_on": ends_on}
        answer = browser.post(f"{MEMBERS}/{membership.id}/term", data=form)
    assert answer.headers["location"].startswith("/confirm")
    assert _roles(own_world, own_world.finance)[Role.CLIENT_FINANCE].ends_on is None


@pytest.mark.parametrize(
    ("form", "status", "part"),
    [
        (
            {"email": "nobody@example.org", "role": "client_finance"},
            422,
            "nobody whom you can name",
        ),
        ({"role": "owner"}, 422, "none of the choices"),
        ({"role": "operator"}, 403, "appointed"),
        ({"role": "provider_finance"}, 403, "given by its"),
        ({"role": "client_finance", "ends_on": "soon"}, 422, "this is not a day"),
        ({"role": "client_finance", "ends_on": "2020-01-01"}, 422, "or past"),
    ],
)
def test_what_a_lead_can_not_give_is_said(
    own_world: World, form: Mapping[str, str], status: int, part: str
) -> None:
    user = _newcomer(own_world)
    found = _post(own_world, own_world.chair, MEMBERS, {"email": user.email} | dict(form))
    assert found[0] == status
    assert part in found[1]
    assert _roles(own_world, user) == {}


def test_a_conflict_needs_an_exception_and_the_report_shows_both(own_world: World) -> None:
    user = _newcomer(own_world, Side.PROVIDER)
    form = {"email": user.email, "role": "client_committee"}
    status, text = _post(own_world, own_world.chair, MEMBERS, form)
    assert status == 409
    assert "works for the party that this role stands against" in text
    with own_world.signed_in(own_world.chair) as (browser, token):
        grant = {
            "csrf_token": token,
            "email": user.email,
            "conflict": "foreign_employer",
            "reason": f"seconded {HOSTILE}",
        }
        assert browser.post(f"{ENGAGEMENT}/exceptions", data=grant).status_code == 303
        assert "cover nothing now" in browser.get(f"{ENGAGEMENT}/duties").text
        assert browser.post(MEMBERS, data={"csrf_token": token} | form).status_code == 303
        page = browser.get(f"{ENGAGEMENT}/duties").text
        assert "By exception" in page
        assert "seconded &#34;&gt;&lt;img" in page
        assert "Not covered" not in page
        with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
            number = session.scalars(select(col(DutyException.id))).one()
        revoke = f"{ENGAGEMENT}/exceptions/{number}/revoke"
        assert browser.post(revoke, data={"csrf_token": token}).status_code == 303
        assert "Not covered" in browser.get(f"{ENGAGEMENT}/duties").text
        assert browser.post(revoke, data={"csrf_token": token}).status_code == 409


def test_an_exception_is_not_for_the_provider_to_grant(own_world: World) -> None:
    form = {"email": own_world.billing.email, "conflict": "prepares_and_issues", "reason": "x"}
    for user, status in ((own_world.manager, 403), (own_world.auditor, 403)):
        assert _post(own_world, user, f"{ENGAGEMENT}/exceptions", form)[0] == status
    assert _post(own_world, own_world.stranger, f"{ENGAGEMENT}/exceptions", form)[0] == 404
    own = form | {"email": own_world.chair.email}
    assert _post(own_world, own_world.chair, f"{ENGAGEMENT}/exceptions", own)[0] == 403


def test_the_report_leaves_as_a_table_without_formulas(own_world: World) -> None:
    hostile = _newcomer(own_world, Side.CLIENT, '=HYPERLINK("x")')
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        for role in (Role.CLIENT_COMMITTEE, Role.CLIENT_FINANCE):
            make_role(session, engagement, hostile, role)
    with own_world.signed_in(own_world.auditor) as (browser, _):
        answer = browser.get(f"{ENGAGEMENT}/duties.csv")
    assert "ENG-1-duties-" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 7
    own = [row for row in rows if row["person"] == '\'=HYPERLINK("x")']
    assert [row["role"] for row in own] == ["client_committee", "client_finance"]
    assert own[0]["conflicts"] == "accepts the figures and pays what follows from them"
    assert own[0]["exceptions"] == "not covered"
    assert {row["account"] for row in rows} == {"open"}


def test_taking_a_role_away_asks_who_one_is(own_world: World) -> None:
    number = _roles(own_world, own_world.finance)[Role.CLIENT_FINANCE].id
    stale = datetime.now(UTC) - timedelta(hours=3)
    with own_world.signed_in(own_world.chair) as (browser, token):
        own_world.age_sessions(stale)
        answer = browser.post(f"{MEMBERS}/{number}/remove", data={"csrf_token": token})
    assert answer.status_code == 303
    assert "/confirm" in answer.headers["location"]
    assert Role.CLIENT_FINANCE in _roles(own_world, own_world.finance)


def test_members_of_other_engagements_are_not_found(world: World) -> None:
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        number = session.scalars(
            select(col(Membership.id)).where(col(Membership.user_id) == world.stranger.id)
        ).one()
    with world.signed_in(world.chair) as (browser, token):
        assert browser.get(f"{MEMBERS}/{number}").status_code == 404
        for what in ("term", "remove"):
            answer = browser.post(f"{MEMBERS}/{number}/{what}", data={"csrf_token": token})
            assert answer.status_code == 404
        other = browser.get(f"{MEMBERS}/1").text
    assert "its lead decides on it" in other


def test_the_last_lead_stays(own_world: World) -> None:
    number = _roles(own_world, own_world.chair)[Role.COMMITTEE_CHAIR].id
    status, text = _post(own_world, own_world.chair, f"{MEMBERS}/{number}/remove", {})
    assert status == 409
    assert "last one to lead" in text


def test_nobody_learns_who_has_an_account_by_naming_them(own_world: World) -> None:
    """The stranger has one, and is neither a party's nor a member."""
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        stranger = session.get_one(User, own_world.stranger.id)
        appoint_operator(session, Actor(None, "command line", datetime.now(UTC)), stranger)
    exception = {"conflict": "both_sides", "reason": "small"}
    for path, form in (
        (MEMBERS, {"role": "auditor"}),
        (MEMBERS, {"role": "provider_finance"}),
        (f"{ENGAGEMENT}/exceptions", exception),
    ):
        answers = {
            (status, re.sub(r"[\w.]+@[\w.]+", "", text.partition("<main")[2]))
            for email in (own_world.stranger.email, "nobody@example.org")
            for status, text in [_post(own_world, own_world.chair, path, form | {"email": email})]
        }
        ((status, text),) = answers
        assert status == 422
        assert "nobody whom you can name" in text
        assert "runs the system" not in text


def test_naming_people_again_and_again_is_slowed_down(own_world: World) -> None:
    form = {"email": "nobody@example.org", "role": "auditor"}
    with own_world.signed_in(own_world.chair) as (browser, token):
        found = [
            browser.post(MEMBERS, data={"csrf_token": token, **form}).status_code for _ in range(31)
        ]
    assert set(found[:30]) == {422}
    assert found[30] == 429


def test_running_the_installation_shows_no_members(own_world: World) -> None:
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        user = make_user(session)
        engagement = session.scalars(
            select(Engagement).where(col(Engagement.reference) == "ENG-1")
        ).one()
        make_role(session, engagement, user, Role.OPERATOR)
    with own_world.signed_in(user) as (browser, _):
        assert browser.get(MEMBERS).status_code == 404
