"""Pages with forms for people who aren't signed in, and the links that bring them there."""

from __future__ import annotations

import re
import secrets
from typing import Any

from litestar import Request, Response
from litestar.response import Redirect

from app.security.cookies import cookie_name, forgotten_cookie, own_cookie
from app.web.rendering import render

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,2000}")
"""What links hold; other characters don't survive a cookie."""
_Request = Request[Any, Any, Any]


def form_page(
    request: _Request, template: str, status_code: int = 200, **context: Any
) -> Response[str]:
    """A page whose forms a stranger may send: a visitor's cookie binds them to the browser."""
    known = request.scope.get("auth")
    if not known:
        request.scope["auth"] = secrets.token_urlsafe(32)
    response = render(request, template, status_code=status_code, **context)
    if not known:
        settings = request.app.state.settings
        response.set_cookie(own_cookie(settings, "visitor", request.scope["auth"]))
    return response


def keep_link(request: _Request, purpose: str, token: str, path: str) -> Response[Any]:
    """Take a link's secret out of the address bar at once, into a cookie, and go on to `path`.

    Nothing is used up by it: programs that look at links in mails do no harm. What no link holds
    is kept as nothing, so that the page says what it says of any link of no use.
    """
    secret = token if _SECRET.fullmatch(token) else ""
    response = Redirect(path, status_code=303, headers={"Referrer-Policy": "no-referrer"})
    response.set_cookie(own_cookie(request.app.state.settings, purpose, secret))
    return response


def kept_link(request: _Request, purpose: str) -> str:
    """The secret of the link that the visitor has opened; empty for none."""
    return request.cookies.get(cookie_name(request.app.state.settings, purpose), "")


def drop_link(request: _Request, response: Response[Any], purpose: str) -> Response[Any]:
    """The response, which makes the browser forget the link."""
    response.set_cookie(forgotten_cookie(request.app.state.settings, purpose))
    return response
