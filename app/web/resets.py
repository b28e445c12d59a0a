"""A forgotten password: ask for a link, and choose a new password by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.database import session_scope
from app.security.cookies import forgotten_cookie
from app.security.detours import too_often
from app.security.guards import PUBLIC, limited
from app.security.password_resets import ask_reset, open_reset, use_reset
from app.security.throttle import LINK, RESET_ACCOUNT, RESET_ADDRESS, attempt
from app.web.rendering import see_other
from app.web.second_step import visit_of
from app.web.visitors import drop_link, form_page, keep_link, kept_link
from governance.access import Actor
from governance.errors import BadInput, NotFound

_PURPOSE = "reset"
_DIFFERENT = "The two passwords are not the same."
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class AskForm:
    """What the form for a link sends."""

    email: str = ""


@dataclass(frozen=True, slots=True)
class NewPasswordForm:
    """What the form for a new password sends."""

    password: str = ""
    repeated: str = ""


@get("/reset", opt=PUBLIC, sync_to_thread=True)
def ask_page(request: _Request) -> Response[str]:
    """Ask for the address."""
    return form_page(request, "sign_in/reset.html", asked=False)


@post("/reset", opt=PUBLIC, guards=[limited(RESET_ADDRESS)], sync_to_thread=True)
def ask(
    request: _Request,
    data: Annotated[AskForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[str]:
    """Send a link if the address has an account; the answer is the same if not."""
    state, visit = request.app.state, visit_of(request)
    with session_scope(state.engine) as session:
        wait = attempt(session, RESET_ACCOUNT, data.email, visit.at)
        if wait is None:
            ask_reset(session, state.settings, data.email, visit.at, visit.request_id)
    if wait is not None:
        raise too_often(wait)
    return form_page(request, "sign_in/reset.html", asked=True)


@get("/reset/{token:str}", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=False)
def follow(request: _Request, token: FromPath[str]) -> Response[Any]:
    """The link of the mail: its secret goes into a cookie, and out of the address bar."""
    return keep_link(request, _PURPOSE, token, "/new-password")


@get("/new-password", opt=PUBLIC, sync_to_thread=True)
def choose_page(request: _Request) -> Response[str]:
    """Two fields for the new password, or that the link is of no use."""
    with session_scope(request.app.state.engine, read_only=True) as session:
        try:
            open_reset(session, kept_link(request, _PURPOSE), visit_of(request).at)
        except NotFound as error:
            return form_page(request, "sign_in/link_gone.html", 404, why=str(error))
    return _choose(request)


@post("/new-password", opt=PUBLIC, guards=[limited(LINK)], sync_to_thread=True)
def choose(
    request: _Request,
    data: Annotated[NewPasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Set the password; the link is used up and all sessions end."""
    if data.password != data.repeated:
        return _choose(request, 422, _DIFFERENT)
    state, visit = request.app.state, visit_of(request)
    nobody = Actor(None, "not signed in", visit.at, visit.request_id)
    token = kept_link(request, _PURPOSE)
    try:
        with session_scope(state.engine) as session:
            use_reset(session, state.settings, token, data.password, nobody)
    except BadInput as error:
        return _choose(request, 422, error.problems[0].what)
    response = see_other(request, "/sign-in?changed=true")
    response.set_cookie(forgotten_cookie(state.settings, "session"))
    return drop_link(request, response, _PURPOSE)


def _choose(request: _Request, status_code: int = 200, problem: str = "") -> Response[str]:
    return form_page(request, "sign_in/new_password.html", status_code, problem=problem)


ROUTER = Router("/", route_handlers=[ask_page, ask, follow, choose_page, choose])
