"""User accounts, for operators: who they are and where they work, nothing of any engagement."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from app.security.accounts import close_account, reopen_account
from app.security.enrolment import remove_all_factors
from app.security.guards import RECENT, limited, requires_operator
from app.security.second_factors import has_second_factor
from app.security.sessions import revoke_other_sessions, sessions_of, timeouts
from app.security.throttle import INVITE
from app.web.addresses import row_id
from app.web.forms import TextForm, choice_of_form, text_of
from app.web.invitations import expiry, send, where_mail_goes
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, work
from governance.access import Permission
from governance.engagements.invitations import (
    Guest,
    invite_user,
    open_user_invitations,
    revoke_invitation,
)
from governance.errors import BadInput, Conflict
from governance.parties.models import OrganisationKind, User
from governance.parties.operators import is_operator
from governance.parties.service import (
    check_organisation,
    find_or_create_organisation,
    get_user,
    list_users,
)

_PATH = "/operation/users"
_MANAGES = requires_operator(Permission.MANAGE_USERS)
_FIELDS = ("email", "name", "organisation", "country", "kind")
_Request = Request[Any, Any, Any]


@get(_PATH, guards=[_MANAGES], sync_to_thread=True)
def show_users(request: _Request, sent: FromQuery[str] = "") -> Response[str]:
    """Every account, the open invitations, and the form for a new one."""
    return _page(request, sent=bool(sent))


def _page(
    request: _Request,
    status_code: int = 200,
    problems: tuple[Any, ...] = (),
    form: dict[str, str] | None = None,
    *,
    sent: bool = False,
) -> Response[str]:
    with work(request, installation=True) as unit:
        rows = [_row(unit, user, employer.name) for user, employer in list_users(unit.session)]
        invitations = open_user_invitations(unit.session, unit.actor)
    return render(
        request,
        "users/list.html",
        status_code,
        rows=rows,
        invitations=invitations,
        kinds=list(OrganisationKind),
        problems=problems,
        form=form or dict.fromkeys(_FIELDS, ""),
        sent=sent,
        folder=where_mail_goes(unit.settings),
        own=unit.actor.user_id,
    )


def _row(unit: Work, user: User, employer: str) -> dict[str, Any]:
    session, at = unit.session, unit.actor.at
    return {
        "user": user,
        "employer": employer,
        "sessions": len(sessions_of(session, user.id, at, timeouts(unit.settings))),
        "second_factor": has_second_factor(session, user.id),
        "operator": is_operator(session, user.id, at.date()),
    }


@post(
    f"{_PATH}/invitations",
    opt=RECENT,
    guards=[_MANAGES, limited(INVITE)],
    sync_to_thread=True,
)
def invite(request: _Request, data: TextForm) -> Response[Any]:
    """Invite somebody as a user of an organisation, which is made where it is new."""
    try:
        with work(request, installation=True) as unit:
            _invite(unit, data)
    except BadInput as error:
        form = {name: text_of(data, name) for name in _FIELDS}
        return _page(request, 422, error.problems, form)
    return see_other(request, f"{_PATH}?sent=yes")


def _invite(unit: Work, data: dict[str, Any]) -> None:
    name, country = text_of(data, "organisation"), text_of(data, "country").upper()
    kind = choice_of_form(OrganisationKind, text_of(data, "kind"), "kind")
    check_organisation(name, country)
    organisation = find_or_create_organisation(unit.session, kind, name, country, unit.actor.at)
    guest = Guest(text_of(data, "email"), text_of(data, "name"))
    until = expiry(unit.settings, unit.actor)
    sent = invite_user(unit.session, unit.actor, organisation, guest, expires_at=until)
    send(unit, sent)


@post(f"{_PATH}/invitations/{{invitation_id:int}}/revoke", guards=[_MANAGES], sync_to_thread=True)
def revoke(request: _Request, invitation_id: FromPath[int]) -> Response[Any]:
    """Make an invitation's link worthless."""
    with work(request, installation=True) as unit:
        revoke_invitation(unit.session, unit.actor, None, row_id(invitation_id))
    return see_other(request, _PATH)


@post(f"{_PATH}/{{user_id:int}}/close", opt=RECENT, guards=[_MANAGES], sync_to_thread=True)
def close(request: _Request, user_id: FromPath[int]) -> Response[Any]:
    """Close an account; nobody closes their own."""
    with work(request, installation=True) as unit:
        user = get_user(unit.session, row_id(user_id))
        if user.id == unit.actor.user_id:
            raise Conflict("nobody closes their own account; another operator has to")
        close_account(unit.session, unit.actor, user)
    return see_other(request, _PATH)


@post(f"{_PATH}/{{user_id:int}}/reopen", opt=RECENT, guards=[_MANAGES], sync_to_thread=True)
def reopen(request: _Request, user_id: FromPath[int]) -> Response[Any]:
    """Open a closed account again."""
    with work(request, installation=True) as unit:
        reopen_account(unit.session, unit.actor, get_user(unit.session, row_id(user_id)))
    return see_other(request, _PATH)


@post(f"{_PATH}/{{user_id:int}}/end-sessions", guards=[_MANAGES], sync_to_thread=True)
def end_sessions(request: _Request, user_id: FromPath[int]) -> Response[Any]:
    """End all of a user's sessions."""
    with work(request, installation=True) as unit:
        user = get_user(unit.session, row_id(user_id))
        keep = request.user.session_id if user.id == unit.actor.user_id else None
        revoke_other_sessions(unit.session, unit.actor, user, keep)
    return see_other(request, _PATH)


@post(
    f"{_PATH}/{{user_id:int}}/remove-second-factors",
    opt=RECENT,
    guards=[_MANAGES],
    sync_to_thread=True,
)
def remove_second_factors(request: _Request, user_id: FromPath[int]) -> Response[Any]:
    """Take the second factors from somebody who has lost them, and tell them by mail."""
    with work(request, installation=True) as unit:
        user = get_user(unit.session, row_id(user_id))
        if user.id == unit.actor.user_id:
            raise Conflict("nobody takes their own second factors away here")
        remove_all_factors(unit.session, unit.settings, unit.actor, user)
    return see_other(request, _PATH)


ROUTER = Router(
    "/",
    route_handlers=[
        show_users,
        invite,
        revoke,
        close,
        reopen,
        end_sessions,
        remove_second_factors,
    ],
)
