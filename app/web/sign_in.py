"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from sqlalchemy import Engine

from app.database import session_scope
from app.security.authentication import origin_of
from app.security.cookies import forgotten_cookie, own_cookie
from app.security.detours import too_often
from app.security.guards import ENROLMENT, PUBLIC
from app.security.models import Proof
from app.security.passkeys import relying_party
from app.security.people import Visit
from app.security.second_factors import has_second_factor, second_step_path
from app.security.sessions import Origin, end_session, start_session
from app.security.throttle import (
    SIGN_IN_ACCOUNT,
    SIGN_IN_ADDRESS,
    attempt,
    clear,
    forget_ended,
    network_of,
)
from app.web.addresses import HOME, own_path
from app.web.rendering import see_other
from app.web.second_step import signed_in, visit_of
from app.web.unit_of_work import work
from app.web.visitors import form_page
from governance.parties.service import authenticate

_WRONG = "The e-mail address or the password is wrong."
_CHANGED = "The new password is set. Sign in with it."
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What the sign-in form sends."""

    email: str = ""
    password: str = ""
    next: str = HOME


@dataclass(frozen=True, slots=True)
class _Begun:
    """A session whose password was right."""

    token: str
    waits: bool
    """Whether the second step is due."""


@get("/sign-in", opt=PUBLIC, sync_to_thread=True)
def sign_in_page(
    request: _Request,
    next_: Annotated[str, QueryParameter(name="next")] = HOME,
    changed: Annotated[bool, QueryParameter()] = False,
) -> Response[Any]:
    """The form; a visitor's cookie binds its token to this browser."""
    if request.user is not None:
        return see_other(request, own_path(next_))
    return _form(request, SignInForm(next=next_), good=_CHANGED if changed else "")


@post("/sign-in", opt=PUBLIC, sync_to_thread=True)
def sign_in(
    request: _Request,
    data: Annotated[SignInForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Start a session with a new token; a refusal doesn't say which of the two was wrong."""
    engine, visit, origin = request.app.state.engine, visit_of(request), origin_of(request)
    wait = _count(engine, data.email, origin, visit)
    if wait is not None:
        raise too_often(wait)
    begun = _begin(engine, data, origin, visit)
    if begun is None:
        return _form(request, data, 401, _WRONG)
    if not begun.waits:
        return signed_in(request, begun.token, data.next)
    next_ = quote(own_path(data.next), safe="/")
    response = see_other(request, f"{second_step_path()}?next={next_}")
    response.set_cookie(own_cookie(request.app.state.settings, "session", begun.token))
    return response


def _count(engine: Engine, email: str, origin: Origin, visit: Visit) -> int | None:
    """In a transaction of its own: it must be counted before the password's hash takes time."""
    with session_scope(engine) as session:
        waits = [
            attempt(session, SIGN_IN_ADDRESS, network_of(origin.address), visit.at),
            attempt(session, SIGN_IN_ACCOUNT, email, visit.at),
        ]
    return max((one for one in waits if one is not None), default=None)


def _begin(engine: Engine, data: SignInForm, origin: Origin, visit: Visit) -> _Begun | None:
    with session_scope(engine) as session:
        user = authenticate(session, data.email, data.password, visit.at, visit.request_id)
        if user is None:
            return None
        waits = has_second_factor(session, user.id)
        clear(session, SIGN_IN_ACCOUNT, data.email)
        forget_ended(session, visit.at)
        token = start_session(session, user, visit.at, Proof.PASSWORD, origin, complete=not waits)
    return _Begun(token, waits)


@post("/sign-out", opt=ENROLMENT, sync_to_thread=True)
def sign_out(request: _Request) -> Response[Any]:
    """End the session on the server, then forget its cookie."""
    with work(request) as unit:
        end_session(unit.session, request.auth, unit.actor)
    response = see_other(request, "/sign-in")
    response.set_cookie(forgotten_cookie(request.app.state.settings, "session"))
    return response


def _form(
    request: _Request, data: SignInForm, status_code: int = 200, problem: str = "", good: str = ""
) -> Response[str]:
    settings = request.app.state.settings
    return form_page(
        request,
        "sign_in/sign_in.html",
        status_code=status_code,
        problem=problem,
        good=good,
        email=data.email,
        next=own_path(data.next),
        sign_on_name=settings.oidc_name if settings.oidc_issuer else "",
        passkeys=relying_party(settings) is not None,
    )


ROUTER = Router("/", route_handlers=[sign_in_page, sign_in, sign_out])
