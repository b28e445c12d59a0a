"""What goes wrong, as pages: every problem a row, the status from `app.errors`."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from app.errors import outcome_of
from app.web.problems import CHALLENGE, for_program, problem_document
from app.web.rendering import render, see_other, wants_part
from governance.errors import BadInput, Busy, Forbidden, NotSignedIn, PlumblineError, Problem

_LOG = logging.getLogger(__name__)
_PAGES = {
    400: ("This can't be used as it is", "The request is not one that this page understands."),
    404: ("Not found", "There is nothing here, or nothing that you may see."),
    405: ("Not possible here", "This address doesn't take that kind of request."),
    413: ("This is too large", "Hand in less at once, or split the file."),
    429: ("Too many attempts", "Wait a minute, then try again."),
}
_RETRY_SECONDS = 5
_BROKEN = ("Something went wrong", "Nothing was changed. The error is in the log of the server.")


def _error_page(
    request: Request[Any, Any, Any],
    status: int,
    title: str,
    advice: str,
    rows: tuple[Problem, ...] = (),
) -> Response[str]:
    template = "errors/_error.html" if wants_part(request) else "errors/error.html"
    return render(request, template, status_code=status, title=title, advice=advice, problems=rows)


def _known_error(request: Request[Any, Any, Any], error: PlumblineError) -> Response[Any]:
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request, error)
    if isinstance(error, Forbidden):
        _LOG.warning("refused: %s", _what(request))
    outcome = outcome_of(error)
    if isinstance(error, BadInput):
        advice = "Nothing was stored. Correct what is listed, then hand it in again."
        return _error_page(request, outcome.http_status, outcome.title, advice, error.problems)
    advice = str(error) or _PAGES.get(outcome.http_status, _BROKEN)[1]
    response = _error_page(request, outcome.http_status, outcome.title, advice)
    if isinstance(error, Busy):
        _LOG.warning("busy: %s", _what(request))
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def _to_sign_in(request: Request[Any, Any, Any], error: NotSignedIn) -> Response[Any]:
    if for_program(request):
        return problem_document(401, str(error), headers=CHALLENGE)
    if request.method != "GET" or wants_part(request):
        return see_other(request, "/sign-in")
    query = f"?{request.url.query}" if request.url.query else ""
    return see_other(request, f"/sign-in?next={quote(request.url.path + query, safe='/')}")


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    status = error.status_code
    if not 400 <= status < 500:
        return _unexpected(request, error)
    response = _error_page(request, status, *_PAGES.get(status, _PAGES[400]))
    sent = {name.lower(): value for name, value in (error.headers or {}).items()}
    if "ratelimit-reset" in sent:
        response.headers["Retry-After"] = sent["ratelimit-reset"]
    if "allow" in sent:
        response.headers["Allow"] = _allowed_methods(sent["allow"])
    return response


def _allowed_methods(routed: str) -> str:
    """The methods that an address takes; what answers GET answers HEAD too."""
    methods = {name.strip() for name in routed.split(",")}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    _LOG.error("failed: %s", _what(request), exc_info=error)
    return _error_page(request, 500, *_BROKEN)


def _what(request: Request[Any, Any, Any]) -> str:
    """Who asked for what: the route's pattern and a number, nothing that a visitor wrote."""
    person = request.scope.get("user")
    who = f"user {person.actor.user_id}" if person else "a visitor"
    return f"{request.scope.get('path_template', 'no page')} by {who}"


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    PlumblineError: _known_error,
    HTTPException: _http_error,
    Exception: _unexpected,
}
