"""Signing in and out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import Body, QueryParameter

from app.database import session_scope
from app.security.authentication import forgotten_cookie, own_cookie
from app.security.guards import PUBLIC, SIGNED_IN_ONLY
from app.security.sessions import end_session, start_session
from app.web.addresses import HOME, own_path
from app.web.rendering import render, see_other
from app.web.unit_of_work import work
from governance.parties.service import authenticate

ATTEMPTS_A_MINUTE = 10
_WRONG = "The e-mail address or the password is wrong."


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What the sign-in form sends."""

    email: str = ""
    password: str = ""
    next: str = HOME


@get("/sign-in", opt=PUBLIC, sync_to_thread=True)
def sign_in_page(
    request: Request[Any, Any, Any], next_: Annotated[str, QueryParameter(name="next")] = HOME
) -> Response[Any]:
    """The form; a visitor's cookie binds its token to this browser."""
    if request.user is not None:
        return see_other(request, own_path(next_))
    visitor = request.auth or secrets.token_urlsafe(32)
    request.scope["auth"] = visitor
    response = _form(request, SignInForm(next=next_), 200, "")
    response.set_cookie(own_cookie(request.app.state.settings, "visitor", visitor))
    return response


@post(
    "/sign-in",
    opt=PUBLIC,
    middleware=[RateLimitConfig(rate_limit=("minute", ATTEMPTS_A_MINUTE)).middleware],
    sync_to_thread=True,
)
def sign_in(
    request: Request[Any, Any, Any],
    data: Annotated[SignInForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Start a session with a new token; a refusal doesn't say which of the two was wrong."""
    state = request.app.state
    now = datetime.now(UTC)
    with session_scope(state.engine) as session:
        user = authenticate(session, data.email, data.password, now, secrets.token_hex(8))
        token = start_session(session, user, now) if user else None
    if token is None:
        return _form(request, data, 401, _WRONG)
    response = see_other(request, own_path(data.next))
    response.set_cookie(own_cookie(state.settings, "session", token))
    response.set_cookie(forgotten_cookie(state.settings, "visitor"))
    return response


@post("/sign-out", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
    """End the session on the server, then forget its cookie."""
    with work(request) as unit:
        end_session(unit.session, request.auth, unit.actor)
    response = see_other(request, "/sign-in")
    response.set_cookie(forgotten_cookie(request.app.state.settings, "session"))
    return response


def _form(
    request: Request[Any, Any, Any], data: SignInForm, status_code: int, problem: str
) -> Response[str]:
    return render(
        request,
        "sign_in/sign_in.html",
        status_code=status_code,
        problem=problem,
        email=data.email,
        next=own_path(data.next),
    )


ROUTER = Router("/", route_handlers=[sign_in_page, sign_in, sign_out])
