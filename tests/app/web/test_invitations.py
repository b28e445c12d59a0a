"""Invitations, from the lead's page to the invited person's first page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from httpx import Response
from sqlalchemy import select
from sqlmodel import col

from app.database import session_scope
from governance.audit.models import Action, AuditEntry
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.letters import link_in, next_mail
from tests.app.web.support import HOSTILE, Browser, World, form_token
from tests.factories import PASSWORD, make_user

PAGE = "/engagements/ENG-1/invitations"
GRACE = {"email": "grace@example.org", "name": "Grace Hopper", "role": "provider_finance"}


def _invite(world: World, **fields: str) -> Response:
    with world.signed_in(world.manager) as (browser, token):
        return browser.post(PAGE, data=GRACE | fields | {"csrf_token": token})


def _open(world: World, browser: Browser) -> str:
    assert browser.get(link_in(next_mail(world))).headers["location"] == "/invitation"
    return browser.get("/invitation").text


def _refusals(world: World) -> list[AuditEntry]:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        refused = col(AuditEntry.action) == Action.ACCESS_REFUSED
        return list(session.scalars(select(AuditEntry).where(refused)))


def _colleague(world: World) -> User:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        return make_user(session)


def test_somebody_new_is_invited_and_signs_in_at_once(own_world: World) -> None:
    assert _invite(own_world).headers["location"] == f"{PAGE}?sent=yes"
    with own_world.signed_in(own_world.manager) as (browser, _):
        listed = browser.get(f"{PAGE}?sent=yes").text
        assert "grace@example.org" in listed
        assert str(own_world.settings.data_dir / "mail") in listed
    with own_world.browser() as browser:
        page = _open(own_world, browser)
        assert "Collections" in page
        form = {"csrf_token": form_token(page), "name": "Grace", "password": PASSWORD}
        answer = browser.post("/invitation", data=form | {"repeated": PASSWORD})
        assert answer.headers["location"] == "/engagements"
        assert "ENG-1" in browser.get("/engagements").text
        assert browser.get("/invitation").status_code == 404


def test_the_mail_states_no_figure(own_world: World) -> None:
    _invite(own_world)
    mail = next_mail(own_world)
    assert mail is not None
    assert mail.recipient == "grace@example.org"
    assert "provider finance" in mail.text
    assert "EUR" not in mail.text
    assert mail.subject == "Plumbline: you are invited"


def test_a_known_user_signs_in_and_accepts(own_world: World) -> None:
    known = _colleague(own_world)
    _invite(own_world, email=known.email)
    with own_world.browser() as browser:
        page = _open(own_world, browser)
        assert "/sign-in?next=/invitation" in page
        token = form_token(browser.get("/sign-in").text)
        form = {"csrf_token": token, "email": known.email, "password": PASSWORD}
        answer = browser.post("/sign-in", data=form | {"next": "/invitation"})
        assert answer.headers["location"] == "/invitation"
        token = form_token(browser.get("/invitation").text)
        answer = browser.post("/invitation/accept", data={"csrf_token": token})
        assert answer.headers["location"] == "/engagements/ENG-1"
        assert browser.get("/engagements/ENG-1").status_code == 200


def test_another_account_can_not_accept(own_world: World) -> None:
    _invite(own_world)
    with own_world.signed_in(own_world.stranger) as (browser, token):
        page = _open(own_world, browser)
        assert "with another address" in page
        answer = browser.post("/invitation/accept", data={"csrf_token": token})
        assert answer.status_code == 403
        assert browser.get("/engagements/ENG-1").status_code == 404


def test_inviting_tells_nobody_who_has_an_account(own_world: World) -> None:
    known = _colleague(own_world)
    answers = [_invite(own_world, email=email) for email in (known.email, "nobody@example.org")]
    assert {(one.status_code, one.headers["location"]) for one in answers} == {
        (303, f"{PAGE}?sent=yes")
    }


def test_what_is_wrong_is_said_and_the_form_keeps_what_was_typed(own_world: World) -> None:
    for fields, why in (
        ({"email": "no address"}, "not an e-mail address"),
        ({"role": "king"}, "none of the choices"),
        ({"starts_on": "soon"}, "not a day"),
        ({"ends_on": "2001-01-01"}, "past"),
    ):
        answer = _invite(own_world, **fields)
        assert answer.status_code == 422, fields
        assert why in answer.text
        assert "Grace Hopper" in answer.text
    assert next_mail(own_world) is None


def test_a_role_of_the_other_side_is_refused(own_world: World) -> None:
    answer = _invite(own_world, role="client_finance")
    assert answer.status_code == 403
    assert "given by its committee chair" in answer.text
    assert next_mail(own_world) is None
    (entry,) = _refusals(own_world)
    assert entry.subject_label == "POST /engagements/{reference}/invitations"


def test_one_side_withdraws_nothing_of_the_other(own_world: World) -> None:
    _invite(own_world)
    with own_world.signed_in(own_world.chair) as (browser, token):
        page = browser.get(PAGE).text
        assert "grace@example.org" in page
        assert f"{PAGE}/1/revoke" not in page
        assert browser.post(f"{PAGE}/1/revoke", data={"csrf_token": token}).status_code == 403
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert f"{PAGE}/1/revoke" in browser.get(PAGE).text


def test_inviting_asks_anew_who_one_is(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        own_world.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        answer = browser.post(PAGE, data=GRACE | {"csrf_token": token})
    assert answer.headers["location"].startswith("/confirm")
    assert next_mail(own_world) is None


def test_a_link_that_was_withdrawn_is_of_no_use(own_world: World) -> None:
    _invite(own_world)
    link = link_in(next_mail(own_world))
    with own_world.signed_in(own_world.manager) as (browser, token):
        answer = browser.post(f"{PAGE}/1/revoke", data={"csrf_token": token})
        assert answer.headers["location"] == PAGE
        assert browser.post(f"{PAGE}/1/revoke", data={"csrf_token": token}).status_code == 404
    with own_world.browser() as browser:
        browser.get(link)
        assert browser.get("/invitation").status_code == 404


def test_a_weak_password_is_refused_and_the_link_stays(own_world: World) -> None:
    _invite(own_world)
    with own_world.browser() as browser:
        token = form_token(_open(own_world, browser))
        form = {"csrf_token": token, "name": "Grace"}
        for password, repeated in ((PASSWORD, "other"), ("x", "x"), ("Plumbline", "Plumbline")):
            weak = form | {"password": password, "repeated": repeated}
            assert browser.post("/invitation", data=weak).status_code == 422
        form |= {"password": PASSWORD, "repeated": PASSWORD}
        assert browser.post("/invitation", data=form).status_code == 303


def test_hostile_names_stay_text_in_mail_and_page(own_world: World) -> None:
    _invite(own_world, name=HOSTILE)
    mail = next_mail(own_world)
    assert mail is not None
    assert "<img" not in mail.html
    with own_world.browser() as browser:
        browser.get(link_in(mail))
        assert "<img src=x" not in browser.get("/invitation").text
    with own_world.signed_in(own_world.manager) as (browser, _):
        assert "<img src=x" not in browser.get(PAGE).text


def test_a_name_makes_no_link_in_our_mail(own_world: World) -> None:
    _invite(own_world, name="Ada, see https://evil.example/now or www.evil.example J. R.")
    mail = next_mail(own_world)
    assert mail is not None
    for text in (mail.text, mail.html):
        assert "evil.example" not in text
        assert "Ada, see https evil example now or www evil example J. R." in text


def test_an_address_gets_only_so_many_invitations(own_world: World) -> None:
    found = [_invite(own_world).status_code for _ in range(6)]
    assert found == [303] * 5 + [429]
    assert _invite(own_world, email="other@example.org").status_code == 303


def test_only_leads_see_the_page(world: World) -> None:
    for user, status in ((world.finance, 403), (world.stranger, 404)):
        with world.signed_in(user) as (browser, token):
            assert browser.get(PAGE).status_code == status
            assert browser.post(PAGE, data=GRACE | {"csrf_token": token}).status_code == status
