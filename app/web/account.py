"""One's own account: who one is, the password, the e-mail address, the sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from app.database import session_scope
from app.security.accounts import (
    ask_for_new_email,
    change_password,
    confirm_new_email,
    new_email_of,
)
from app.security.api_tokens import tokens_of
from app.security.cookies import own_cookie
from app.security.detours import too_often
from app.security.guards import ENROLMENT, PUBLIC, RECENT, SIGNED_IN_ONLY, limited
from app.security.second_factors import has_totp, passkey_count
from app.security.sessions import (
    renew_session,
    revoke_other_sessions,
    revoke_session,
    sessions_of,
    timeouts,
)
from app.security.throttle import CONFIRM, LINK, RESET_ADDRESS, attempt, clear
from app.web.addresses import row_id
from app.web.browsers import browser_words
from app.web.rendering import render, see_other
from app.web.second_step import visit_of
from app.web.unit_of_work import work
from app.web.visitors import drop_link, form_page, keep_link, kept_link
from governance.engagements.service import visible_engagements
from governance.errors import BadInput, NotFound
from governance.parties.passwords import has_password
from governance.parties.service import get_user, is_own_password, organisation_of

_PURPOSE = "new-address"
_WRONG = "The current password is wrong. Nothing was changed."
_DIFFERENT = "The two new passwords are not the same. Nothing was changed."
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class PasswordForm:
    """What the form for another password sends."""

    current: str = ""
    password: str = ""
    repeated: str = ""


@dataclass(frozen=True, slots=True)
class EmailForm:
    """What the form for another e-mail address sends."""

    email: str = ""


@get("/account", opt=ENROLMENT, sync_to_thread=True)
def show_account(request: _Request, done: FromQuery[str] = "") -> Response[str]:
    """Everything about the account on one page, with links to change it."""
    with work(request) as unit:
        user = get_user(unit.session, unit.actor.signed_in_id)
        limits = timeouts(unit.settings)
        context: dict[str, Any] = {
            "account": user,
            "organisation": organisation_of(unit.session, user.id),
            "engagements": visible_engagements(unit.session, unit.actor),
            "with_app": has_totp(unit.session, user.id),
            "passkeys": passkey_count(unit.session, user.id),
            "sessions": len(sessions_of(unit.session, user.id, unit.actor.at, limits)),
            "tokens": len(tokens_of(unit.session, unit.actor)),
        }
    known = has_password(user.password_hash)
    return render(request, "account/account.html", with_password=known, done=done, **context)


@get("/account/password", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def password_page(request: _Request) -> Response[str]:
    """The form."""
    return _password_form(request)


@post("/account/password", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def set_new_password(
    request: _Request,
    data: Annotated[PasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Change the password; every other session ends and this one gets a new token."""
    if data.password != data.repeated:
        return _password_form(request, 422, _DIFFERENT)
    if not _is_current(request, data.current):
        return _password_form(request, 401, _WRONG)
    person = request.user
    try:
        with work(request) as unit:
            keep = person.session_id
            change_password(unit.session, unit.settings, unit.actor, data.password, keep=keep)
            token = renew_session(unit.session, request.auth, unit.actor)
    except BadInput as error:
        return _password_form(request, 422, error.problems[0].what)
    response = see_other(request, "/account?done=password")
    response.set_cookie(own_cookie(unit.settings, "session", token))
    return response


def _is_current(request: _Request, password: str) -> bool:
    """In a transaction of its own, so that a refusal is counted and recorded."""
    actor = request.user.actor
    who = str(actor.user_id)
    with session_scope(request.app.state.engine) as session:
        wait = attempt(session, CONFIRM, who, actor.at)
        right = wait is None and is_own_password(session, actor, password)
        if right:
            clear(session, CONFIRM, who)
    if wait is not None:
        raise too_often(wait)
    return right


def _password_form(request: _Request, status_code: int = 200, problem: str = "") -> Response[str]:
    return render(request, "account/password.html", status_code, problem=problem)


@get("/account/email", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def email_page(request: _Request) -> Response[str]:
    """The form."""
    return _email_form(request)


@post(
    "/account/email",
    opt=SIGNED_IN_ONLY | RECENT,
    guards=[limited(RESET_ADDRESS)],
    sync_to_thread=True,
)
def ask_for_email(
    request: _Request,
    data: Annotated[EmailForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[str]:
    """Send a link to the new address; nothing changes before it is used."""
    try:
        with work(request) as unit:
            ask_for_new_email(unit.session, unit.settings, unit.actor, data.email)
    except BadInput as error:
        return _email_form(request, 422, error.problems[0].what, data.email)
    return _email_form(request, sent_to=data.email.strip())


def _email_form(
    request: _Request,
    status_code: int = 200,
    problem: str = "",
    email: str = "",
    sent_to: str = "",
) -> Response[str]:
    return render(
        request,
        "account/email.html",
        status_code,
        problem=problem,
        email=email,
        sent_to=sent_to,
    )


@get("/new-address/{token:str}", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=False)
def follow(request: _Request, token: FromPath[str]) -> Response[Any]:
    """The link of the mail: its secret goes into a cookie, and out of the address bar."""
    return keep_link(request, _PURPOSE, token, "/new-address")


@get("/new-address", opt=PUBLIC, sync_to_thread=True)
def new_address_page(request: _Request) -> Response[str]:
    """The address and a button, or that the link is of no use."""
    token = kept_link(request, _PURPOSE)
    try:
        email = new_email_of(request.app.state.settings, token, visit_of(request).at)
    except NotFound as error:
        return form_page(request, "sign_in/link_gone.html", 404, why=str(error))
    return form_page(request, "account/new_address.html", email=email, done=False)


@post("/new-address", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=True)
def confirm_address(request: _Request) -> Response[Any]:
    """Give the account its new address."""
    state, visit = request.app.state, visit_of(request)
    token = kept_link(request, _PURPOSE)
    with session_scope(state.engine) as session:
        user = confirm_new_email(session, state.settings, token, visit.at, visit.request_id)
    page = form_page(request, "account/new_address.html", email=user.email, done=True)
    return drop_link(request, page, _PURPOSE)


@get("/account/sessions", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_sessions(request: _Request) -> Response[str]:
    """Where the user is signed in, this session marked."""
    with work(request) as unit:
        user_id, limits = unit.actor.signed_in_id, timeouts(unit.settings)
        rows = sessions_of(unit.session, user_id, unit.actor.at, limits)
    return render(
        request,
        "account/sessions.html",
        rows=[(row, browser_words(row.browser)) for row in rows],
        own=request.user.session_id,
    )


@post("/account/sessions/{session_id:int}/end", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def end_one_session(request: _Request, session_id: FromPath[int]) -> Response[Any]:
    """End one of the user's sessions."""
    with work(request) as unit:
        revoke_session(unit.session, unit.actor, row_id(session_id))
    return see_other(request, "/account/sessions")


@post("/account/sessions/end-others", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def end_other_sessions(request: _Request) -> Response[Any]:
    """End all of the user's sessions but this one."""
    with work(request) as unit:
        user = get_user(unit.session, unit.actor.signed_in_id)
        revoke_other_sessions(unit.session, unit.actor, user, request.user.session_id)
    return see_other(request, "/account/sessions")


ROUTER = Router(
    "/",
    route_handlers=[
        show_account,
        password_page,
        set_new_password,
        email_page,
        ask_for_email,
        follow,
        new_address_page,
        confirm_address,
        show_sessions,
        end_one_session,
        end_other_sessions,
    ],
)
