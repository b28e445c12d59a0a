"""Signing in at the organisation's own provider, and coming back from it.

Going there is a plain link: browsers that heed `form-action 'self'` would stop a form whose
answer leads to another site.
"""

from __future__ import annotations

import logging
import secrets
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, Router, get
from litestar.params import QueryParameter
from litestar.response import Redirect

from app.database import session_scope
from app.security.authentication import origin_of
from app.security.cookies import own_cookie
from app.security.guards import PUBLIC, limited
from app.security.openid import RETURN_PATH, OpenIdProvider
from app.security.outbound import ProviderTrouble
from app.security.single_sign_on import (
    SINGLE_SIGN_ON,
    Returned,
    begin_attempt,
    sign_in_with_identity,
    take_attempt,
)
from app.web.addresses import HOME, own_path
from app.web.rendering import render, see_other
from app.web.second_step import signed_in, visit_of
from governance.audit.service import one_line
from governance.errors import NotFound

_BAD_GATEWAY = 502
_LONGEST = 200
_LOST = (
    "This sign-in can't be finished",
    "It took too long, was finished before, or was begun in another browser. Begin it again.",
)
_UNKNOWN = (
    "There is no account for you here yet",
    (
        "You were recognised, but no open account belongs to you. Accounts come by invitation: "
        "ask whoever leads the engagement on your side. If you have been invited, the invitation "
        "must have gone to the address that your provider knows and has verified."
    ),
)
_TROUBLE = "Single sign-on doesn't work right now"
_ADVICE = "Begin again; if it stays so, tell whoever runs this installation."
_LOG = logging.getLogger("plumbline.single_sign_on")
_REASONS = {
    "access_denied": "The sign-in was cancelled, or your organisation doesn't allow it.",
    "temporarily_unavailable": "The provider is busy. Try again in a few minutes.",
}
_Request = Request[Any, Any, Any]
_Text = Annotated[str, QueryParameter()]


@get(
    "/sign-in/single-sign-on",
    opt=PUBLIC,
    guards=[limited(SINGLE_SIGN_ON)],
    sync_to_thread=True,
)
def leave(
    request: _Request, next_: Annotated[str, QueryParameter(name="next")] = HOME
) -> Response[Any]:
    """To the provider; the visitor's cookie binds the way back to this browser."""
    if request.user is not None:
        return see_other(request, own_path(next_))
    provider, visit = _provider(request), visit_of(request)
    visitor, settings = request.auth or secrets.token_urlsafe(32), request.app.state.settings
    with session_scope(request.app.state.engine) as session:
        question = begin_attempt(session, settings.secret(), visitor, own_path(next_), visit.at)
    try:
        address = provider.authorization_address(question, visit.at)
    except ProviderTrouble as trouble:
        return _trouble(request, trouble, next_)
    response = Redirect(address, status_code=303)
    if not request.auth:
        response.set_cookie(own_cookie(settings, "visitor", visitor))
    return response


@get(RETURN_PATH, opt=PUBLIC, guards=[limited(SINGLE_SIGN_ON)], sync_to_thread=True)
def come_back(
    request: _Request,
    sent_state: Annotated[str, QueryParameter(name="state")] = "",
    code: _Text = "",
    error: _Text = "",
    error_description: _Text = "",
) -> Response[Any]:
    """Start a session for whom the provider names, if this browser asked for it.

    The protocol comes back by GET. Nothing changes unless the state is this browser's own.
    """
    returned = _taken(request, sent_state)
    if returned is None:
        return _refused(request, 400, _LOST, HOME)
    if not code:
        words = _REASONS.get(error) or _said(error, error_description)
        return _refused(
            request, 403, ("The provider didn't sign you in", words), returned.next_path
        )
    return _identified(request, returned, code)


def _taken(request: _Request, state: str) -> Returned | None:
    app_state, visit = request.app.state, visit_of(request)
    key = app_state.settings.secret()
    _provider(request)
    with session_scope(app_state.engine) as session:
        return take_attempt(session, key, state, request.auth, visit.at)


def _identified(request: _Request, returned: Returned, code: str) -> Response[Any]:
    """The provider is asked between two transactions, so that none waits for it."""
    state, visit = request.app.state, visit_of(request)
    try:
        identity = _provider(request).identify(code, returned.question, visit.at)
    except ProviderTrouble as trouble:
        return _trouble(request, trouble, returned.next_path)
    with session_scope(state.engine) as session:
        origin = origin_of(request)
        token = sign_in_with_identity(session, state.settings, identity, visit, origin)
    if token is None:
        return _refused(request, 403, _UNKNOWN, returned.next_path)
    return signed_in(request, token, returned.next_path)


def _said(error: str, description: str) -> str:
    said = one_line(": ".join(part for part in (error, description) if part))
    return f"The provider says: {said[:_LONGEST] or 'nothing'}."


def _provider(request: _Request) -> OpenIdProvider:
    provider: OpenIdProvider | None = request.app.state.provider
    if provider is None:
        raise NotFound("Single sign-on is not set up here.")
    return provider


def _trouble(request: _Request, trouble: ProviderTrouble, next_path: str) -> Response[str]:
    _LOG.warning("single sign-on failed: %s", trouble)
    return _refused(request, _BAD_GATEWAY, (_TROUBLE, f"{trouble}. {_ADVICE}"), next_path)


def _refused(
    request: _Request, status_code: int, words: tuple[str, str], next_path: str
) -> Response[str]:
    title, advice = words
    return render(
        request,
        "single_sign_on/refused.html",
        status_code=status_code,
        title=title,
        advice=advice,
        again=f"/sign-in?next={quote(own_path(next_path), safe='/')}",
    )


ROUTER = Router("/", route_handlers=[leave, come_back])
