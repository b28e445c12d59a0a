"""Invitations: sent into an engagement, and accepted by whoever has the link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from app.database import session_scope
from app.mail.letters import invitation_mail
from app.mail.outbox import queue_mail
from app.mail.sending import mail_folder
from app.security.accounts import password_rules
from app.security.authentication import origin_of
from app.security.detours import too_often
from app.security.guards import PUBLIC, RECENT, SIGNED_IN_ONLY, limited, requires
from app.security.models import Proof
from app.security.sessions import start_session
from app.security.throttle import INVITE, INVITED, LINK, attempt
from app.settings import Settings
from app.web.addresses import HOME, engagement_path, row_id
from app.web.forms import TextForm, choice_of_form, day_of_form, text_of
from app.web.rendering import render, see_other
from app.web.second_step import signed_in, visit_of
from app.web.unit_of_work import Work, engagement_work
from app.web.visitors import drop_link, form_page, keep_link, kept_link
from governance.access import Actor, Permission, Role, Side, grantable
from governance.engagements.grants import led_sides
from governance.engagements.invitations import (
    Guest,
    Sent,
    invite_member,
    open_invitations,
    revoke_invitation,
    withdrawable,
)
from governance.engagements.joining import Opened, accept_as_new, accept_as_user, open_invitation
from governance.engagements.models import Engagement
from governance.engagements.queries import roles_in
from governance.engagements.terms import Term
from governance.errors import BadInput, Conflict, NotFound, PlumblineError, Problem
from governance.tenancy import EVERYTHING

_PURPOSE = "invitation"
_DIFFERENT = "The two passwords are not the same."
_PATH = f"{HOME}/{{reference:str}}/invitations"
_MANAGES = requires(Permission.MANAGE_MEMBERS)
_FIELDS = ("email", "name", "role", "starts_on", "ends_on")
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class NewAccountForm:
    """What somebody new sends to accept."""

    name: str = ""
    password: str = ""
    repeated: str = ""


def expiry(settings: Settings, actor: Actor) -> Any:
    """Until when an invitation that is sent now can be accepted."""
    return actor.at + timedelta(days=settings.invitation_days)


def where_mail_goes(settings: Settings) -> str:
    """The folder in which mails are written while there is no mail server; else empty."""
    return "" if settings.smtp_host else str(mail_folder(settings))


@get(_PATH, guards=[_MANAGES], sync_to_thread=True)
def show_invitations(request: _Request, sent: FromQuery[str] = "") -> Response[str]:
    """The form, and the invitations that are open."""
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        context = _listed(unit, engagement)
    return render(
        request,
        "invitations/list.html",
        problems=(),
        form=dict.fromkeys(_FIELDS, ""),
        sent=bool(sent),
        **context,
    )


@post(_PATH, opt=RECENT, guards=[_MANAGES, limited(INVITE)], sync_to_thread=True)
def invite(request: _Request, data: TextForm) -> Response[Any]:
    """Send an invitation; the answer doesn't say whether the address has an account."""
    try:
        with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
            _invite(unit, engagement, data)
    except (BadInput, Conflict) as error:
        return _refused(request, data, error)
    return see_other(request, f"{engagement_path(engagement.reference, 'invitations')}?sent=yes")


def _invite(unit: Work, engagement: Engagement, data: dict[str, Any]) -> None:
    sent = invite_member(
        unit.session,
        unit.actor,
        engagement,
        Guest(text_of(data, "email"), text_of(data, "name")),
        choice_of_form(Role, text_of(data, "role"), "role"),
        expires_at=expiry(unit.settings, unit.actor),
        term=Term(*(day_of_form(text_of(data, name), name) for name in ("starts_on", "ends_on"))),
    )
    send(unit, sent)


def send(unit: Work, sent: Sent) -> None:
    """Queue the mail of an invitation; too many to one address are refused."""
    wait = attempt(unit.session, INVITED, sent.invitation.email, unit.actor.at)
    if wait is not None:
        raise too_often(wait)
    mail = invitation_mail(unit.settings, sent)
    queue_mail(unit.session, unit.settings.secret(), mail, unit.actor.at)


def _refused(request: _Request, data: dict[str, Any], error: PlumblineError) -> Response[str]:
    found = error.problems if isinstance(error, BadInput) else (Problem(str(error)),)
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        context = _listed(unit, engagement)
    return render(
        request,
        "invitations/list.html",
        422,
        problems=found,
        form={name: text_of(data, name) for name in _FIELDS},
        sent=False,
        **context,
    )


def _listed(unit: Work, engagement: Engagement) -> dict[str, Any]:
    roles = roles_in(unit.session, unit.actor, engagement)
    led = led_sides(unit.session, engagement, unit.actor.at.date())
    offered = frozenset().union(*(grantable(roles, led, side) for side in (None, *Side)))
    rows = open_invitations(unit.session, unit.actor, engagement)
    return {
        "engagement": engagement,
        "rows": rows,
        "withdrawable": withdrawable(unit.session, unit.actor, engagement, rows),
        "roles": [role for role in Role if role in offered],
        "days": unit.settings.invitation_days,
        "folder": where_mail_goes(unit.settings),
    }


@post(f"{_PATH}/{{invitation_id:int}}/revoke", guards=[_MANAGES], sync_to_thread=True)
def revoke(request: _Request, invitation_id: FromPath[int]) -> Response[Any]:
    """Make a link worthless."""
    with engagement_work(request, Permission.MANAGE_MEMBERS) as (unit, engagement):
        revoke_invitation(unit.session, unit.actor, engagement, row_id(invitation_id))
    return see_other(request, engagement_path(engagement.reference, "invitations"))


@get("/invitations/{token:str}", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=False)
def follow(request: _Request, token: FromPath[str]) -> Response[Any]:
    """The link of the mail: its secret goes into a cookie, and out of the address bar."""
    return keep_link(request, _PURPOSE, token, "/invitation")


@get("/invitation", opt=PUBLIC, sync_to_thread=True)
def show_invitation(request: _Request) -> Response[str]:
    """Who invites to what; a form for somebody new, a button for who is signed in."""
    return _page(request)


@post("/invitation", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=True)
def accept_new(
    request: _Request,
    data: Annotated[NewAccountForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Make the account and sign in; the link is used up."""
    if data.password != data.repeated:
        return _page(request, 422, data.name, (Problem(_DIFFERENT),))
    state, visit = request.app.state, visit_of(request)
    guest = Actor(None, "invited person", visit.at, visit.request_id)
    rules, link = password_rules(state.settings), kept_link(request, _PURPOSE)
    try:
        # The link decides what is joined; its reader is no member of anything yet.
        with session_scope(state.engine, sees=EVERYTHING) as session:
            user = accept_as_new(session, link, data.name, data.password, guest, rules=rules)
            token = start_session(session, user, visit.at, Proof.PASSWORD, origin_of(request))
    except BadInput as error:
        return _page(request, 422, data.name, error.problems)
    return drop_link(request, signed_in(request, token, HOME), _PURPOSE)


@post("/invitation/accept", opt=SIGNED_IN_ONLY, guards=[limited(LINK)], sync_to_thread=True)
def accept_known(request: _Request) -> Response[Any]:
    """Accept with the account that is signed in; the link is used up."""
    link = kept_link(request, _PURPOSE)
    # The link decides what is joined; its reader doesn't see that engagement yet.
    with session_scope(request.app.state.engine, sees=EVERYTHING) as session:
        engagement = accept_as_user(session, link, request.user.actor)
    path = engagement_path(engagement.reference) if engagement else HOME
    return drop_link(request, see_other(request, path), _PURPOSE)


def _page(
    request: _Request,
    status_code: int = 200,
    name: str = "",
    problems: tuple[Problem, ...] = (),
) -> Response[str]:
    try:
        opened = _opened(request)
    except NotFound as error:
        return form_page(request, "sign_in/link_gone.html", 404, why=str(error))
    return form_page(
        request,
        "invitations/accept.html",
        status_code,
        opened=opened,
        name=name or opened.invitation.name,
        problems=problems,
    )


def _opened(request: _Request) -> Opened:
    engine, at = request.app.state.engine, visit_of(request).at
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        return open_invitation(session, kept_link(request, _PURPOSE), at)


ROUTER = Router(
    "/",
    route_handlers=[
        show_invitations,
        invite,
        revoke,
        follow,
        show_invitation,
        accept_new,
        accept_known,
    ],
)
