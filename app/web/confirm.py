"""Showing anew who one is, before a grave act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter

from app.database import session_scope
from app.security.confirmation import (
    Confirmed,
    confirm_with_form,
    confirm_with_passkey,
    ways_of,
)
from app.security.cookies import own_cookie
from app.security.detours import CONFIRM_PATH, too_often
from app.security.guards import ENROLMENT, limited
from app.security.passkeys import ask_for_known, relying_party
from app.security.second_step import PASSKEY_SIGN_IN
from app.security.throttle import CONFIRM, attempt
from app.web.addresses import HOME, own_path
from app.web.rendering import render, see_other
from app.web.second_step import PasskeyForm, answer_of, json_answer, party_of
from app.web.unit_of_work import work
from governance.parties.service import get_user

_Request = Request[Any, Any, Any]
_WRONG = "That is not right. Nothing was changed."


@dataclass(frozen=True, slots=True)
class ConfirmForm:
    """What the form sends: the password, and a code where the account has an app."""

    password: str = ""
    code: str = ""
    next: str = HOME


@get(CONFIRM_PATH, opt=ENROLMENT, sync_to_thread=True)
def confirm_page(
    request: _Request, next_: Annotated[str, QueryParameter(name="next")] = HOME
) -> Response[str]:
    """Ask for what the sign-in asks for: the password, a code, or a passkey."""
    return _page(request, next_)


@post(CONFIRM_PATH, opt=ENROLMENT, sync_to_thread=True)
def confirm(
    request: _Request,
    data: Annotated[ConfirmForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Note it in the session, which gets a new token, and go on."""
    _count(request)
    with work(request) as unit:
        key, person = unit.settings.secret(), request.user
        done = confirm_with_form(
            unit.session, key, person, request.auth, password=data.password, code=data.code
        )
    return _gone_on(request, done, data.next)


@post(
    f"{CONFIRM_PATH}/passkey/options",
    opt=ENROLMENT,
    guards=[limited(PASSKEY_SIGN_IN)],
    sync_to_thread=True,
)
def ask_for_passkey(request: _Request) -> Response[bytes]:
    """What one of the person's passkeys is to sign."""
    party = party_of(request)
    with work(request) as unit:
        at, user_id = unit.actor.at, unit.actor.signed_in_id
        options = ask_for_known(unit.session, party, request.auth, at, user_id, alone=True)
    return json_answer(options)


@post(f"{CONFIRM_PATH}/passkey", opt=ENROLMENT, sync_to_thread=True)
def confirm_by_passkey(
    request: _Request,
    data: Annotated[PasskeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """The same by a passkey."""
    party = party_of(request)
    _count(request)
    answer = answer_of(request, request.user.actor.at, data.credential)
    with work(request) as unit:
        done = confirm_with_passkey(unit.session, party, request.user, request.auth, answer)
    return _gone_on(request, done, data.next)


def _count(request: _Request) -> None:
    actor = request.user.actor
    with session_scope(request.app.state.engine) as session:
        wait = attempt(session, CONFIRM, str(actor.user_id), actor.at)
    if wait is not None:
        raise too_often(wait)


def _gone_on(request: _Request, done: Confirmed, next_path: str) -> Response[Any]:
    if done.token is None:
        return _page(request, next_path, 401, done.advice or _WRONG)
    response = see_other(request, own_path(next_path))
    response.set_cookie(own_cookie(request.app.state.settings, "session", done.token))
    return response


def _page(
    request: _Request, next_path: str, status_code: int = 200, problem: str = ""
) -> Response[str]:
    actor, party = request.user.actor, relying_party(request.app.state.settings)
    with session_scope(request.app.state.engine, read_only=True) as session:
        user = get_user(session, actor.signed_in_id)
        ways = ways_of(session, user, party)
    return render(
        request,
        "sign_in/confirm.html",
        status_code=status_code,
        problem=problem,
        next=own_path(next_path),
        email=user.email,
        ways=ways,
    )


ROUTER = Router("/", route_handlers=[confirm_page, confirm, ask_for_passkey, confirm_by_passkey])
