"""API tokens: make, list and revoke one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from app.security.api_tokens import (
    LONGEST_DAYS,
    NewToken,
    make_token,
    offered_scopes,
    revoke_token,
    tokens_of,
)
from app.security.guards import RECENT, SIGNED_IN_ONLY, limited
from app.security.throttle import TOKENS
from app.web.addresses import row_id
from app.web.forms import TextForm, choice_of_form, day_of_form, text_of, texts_of
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, work
from app.web.wording import PERMISSION
from governance.access import Permission
from governance.engagements.service import visible_engagements
from governance.errors import BadInput

_PROPOSED_DAYS = 90
_FIELDS = ("name", "last_day", "reference")
_Request = Request[Any, Any, Any]


@get("/account/tokens", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def show_tokens(request: _Request) -> Response[str]:
    """The tokens, with when each was last used; never the tokens themselves."""
    with work(request) as unit:
        rows = tokens_of(unit.session, unit.actor)
    return render(request, "tokens/list.html", rows=rows, now=unit.actor.at, words=PERMISSION)


@get("/account/tokens/new", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def new_token_page(request: _Request) -> Response[str]:
    """The form, with what the user's roles allow."""
    with work(request) as unit:
        context = _choices(unit, request)
    return render(
        request,
        "tokens/new.html",
        problems=(),
        sent=dict.fromkeys(_FIELDS, ""),
        chosen=(),
        **context,
    )


@post(
    "/account/tokens",
    opt=SIGNED_IN_ONLY | RECENT,
    guards=[limited(TOKENS)],
    sync_to_thread=True,
)
def add_token(request: _Request, data: TextForm) -> Response[str]:
    """Make a token and show it, this once."""
    operator = request.user.operator
    try:
        with work(request) as unit:
            row, text = make_token(unit.session, unit.actor, _read(data), operator=operator)
    except BadInput as error:
        with work(request) as unit:
            context = _choices(unit, request)
        chosen = texts_of(data, "scopes")
        return render(
            request,
            "tokens/new.html",
            422,
            problems=error.problems,
            sent={name: text_of(data, name) for name in _FIELDS},
            chosen=chosen,
            **context,
        )
    return render(request, "tokens/made.html", made=row, text=text)


def _choices(unit: Work, request: _Request) -> dict[str, Any]:
    today = unit.actor.at.date()
    operator = request.user.operator
    return {
        "scopes": offered_scopes(unit.session, unit.actor, operator=operator),
        "words": PERMISSION,
        "engagements": visible_engagements(unit.session, unit.actor),
        "today": today,
        "proposed": today + timedelta(days=_PROPOSED_DAYS),
        "latest": today + timedelta(days=LONGEST_DAYS),
    }


def _read(data: dict[str, Any]) -> NewToken:
    scopes = (choice_of_form(Permission, one, "scopes") for one in texts_of(data, "scopes"))
    return NewToken(
        text_of(data, "name"),
        frozenset(scopes),
        day_of_form(text_of(data, "last_day"), "last_day"),
        text_of(data, "reference"),
    )


@post("/account/tokens/{token_id:int}/revoke", opt=SIGNED_IN_ONLY, sync_to_thread=True)
def revoke(request: _Request, token_id: FromPath[int]) -> Response[Any]:
    """Make a token worthless."""
    with work(request) as unit:
        revoke_token(unit.session, unit.actor, row_id(token_id))
    return see_other(request, "/account/tokens")


ROUTER = Router("/", route_handlers=[show_tokens, new_token_page, add_token, revoke])
