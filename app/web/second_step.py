"""The second step of signing in: a code, a passkey, or a recovery code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from sqlmodel import Session

from app.database import session_scope
from app.operation.requests import request_id_of
from app.security.cookies import forgotten_cookie, own_cookie
from app.security.detours import too_often
from app.security.guards import SECOND_STEP, limited
from app.security.passkeys import Answer, RelyingParty, ask_for_known, relying_party, take_challenge
from app.security.people import Visit
from app.security.second_factors import (
    has_totp,
    passkey_count,
    recovery_codes_left,
    second_step_path,
)
from app.security.second_step import (
    PASSKEY_SIGN_IN,
    Finished,
    drop_pending,
    finish_with_code,
    finish_with_passkey,
    finish_with_recovery_code,
    pending_user,
)
from app.web.addresses import HOME, own_path
from app.web.rendering import render, see_other
from governance.errors import NotFound

_REFUSED = "That wasn't accepted. Try again, or use another way below."
_PATH = second_step_path()
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class CodeForm:
    """What the forms for codes send."""

    code: str = ""
    next: str = HOME


@dataclass(frozen=True, slots=True)
class PasskeyForm:
    """What the form for a passkey sends once the script has filled it in."""

    credential: str = ""
    next: str = HOME


_Code = Annotated[CodeForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
_Passkey = Annotated[PasskeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


def visit_of(request: _Request) -> Visit:
    """When a request that nobody has signed in for yet came, and its number."""
    return Visit(datetime.now(UTC), request_id_of(request.scope))


def signed_in(request: _Request, token: str, next_path: str) -> Response[Any]:
    """Go on with a session that has just become whole: its new token is the browser's cookie."""
    settings = request.app.state.settings
    response = see_other(request, own_path(next_path))
    response.set_cookie(own_cookie(settings, "session", token))
    response.set_cookie(forgotten_cookie(settings, "visitor"))
    return response


def party_of(request: _Request) -> RelyingParty:
    """Whom passkeys are made for; NotFound where this address can have none."""
    party = relying_party(request.app.state.settings)
    if party is None:
        raise NotFound("Passkeys can't be used at this address.")
    return party


def answer_of(request: _Request, at: datetime, credential: str) -> Answer:
    """What the browser answers to the question that it was asked at most a while before `at`.

    The question is used up in a transaction of its own, whatever comes of the answer.
    """
    with session_scope(request.app.state.engine) as session:
        return Answer(take_challenge(session, request.auth, at), credential)


def json_answer(document: str) -> Response[bytes]:
    """JSON that is written already."""
    return Response(document.encode(), status_code=200, media_type=MediaType.JSON)


@get(_PATH, opt=SECOND_STEP, sync_to_thread=True)
def second_step_page(
    request: _Request, next_: Annotated[str, QueryParameter(name="next")] = HOME
) -> Response[Any]:
    """The ways that the account has; who is signed in already goes on."""
    if request.user is not None:
        return see_other(request, own_path(next_))
    return _page(request, next_)


@post(_PATH, opt=SECOND_STEP, sync_to_thread=True)
def use_code(request: _Request, data: _Code) -> Response[Any]:
    """Finish with a code of the authenticator app."""
    key = request.app.state.settings.secret()

    def finish(session: Session) -> Finished:
        return finish_with_code(session, key, request.auth, visit_of(request), data.code)

    return _finished(request, finish, data.next)


@post(f"{_PATH}/recovery-code", opt=SECOND_STEP, sync_to_thread=True)
def use_recovery_code(request: _Request, data: _Code) -> Response[Any]:
    """Finish with a recovery code."""

    def finish(session: Session) -> Finished:
        return finish_with_recovery_code(session, request.auth, visit_of(request), data.code)

    return _finished(request, finish, data.next)


@post(
    f"{_PATH}/passkey/options",
    opt=SECOND_STEP,
    guards=[limited(PASSKEY_SIGN_IN)],
    sync_to_thread=True,
)
def ask_for_passkey(request: _Request) -> Response[bytes]:
    """What one of the user's passkeys is to sign."""
    party, visit = party_of(request), visit_of(request)
    with session_scope(request.app.state.engine) as session:
        user = pending_user(session, request.auth, visit)
        return json_answer(ask_for_known(session, party, request.auth, visit.at, user.id))


@post(f"{_PATH}/passkey", opt=SECOND_STEP, sync_to_thread=True)
def use_passkey(request: _Request, data: _Passkey) -> Response[Any]:
    """Finish with a passkey."""
    party, visit = party_of(request), visit_of(request)
    answer = answer_of(request, visit.at, data.credential)

    def finish(session: Session) -> Finished:
        return finish_with_passkey(session, party, request.auth, visit, answer)

    return _finished(request, finish, data.next)


@post(f"{_PATH}/cancel", opt=SECOND_STEP, sync_to_thread=True)
def cancel(request: _Request) -> Response[Any]:
    """Leave it: the password has to be given again."""
    with session_scope(request.app.state.engine) as session:
        drop_pending(session, request.auth, visit_of(request))
    response = see_other(request, "/sign-in")
    response.set_cookie(forgotten_cookie(request.app.state.settings, "session"))
    return response


def _finished(
    request: _Request, finish: Callable[[Session], Finished], next_path: str
) -> Response[Any]:
    with session_scope(request.app.state.engine) as session:
        finished = finish(session)
    if finished.wait is not None:
        raise too_often(finished.wait)
    if finished.token is None:
        return _page(request, next_path, 401, finished.advice or _REFUSED)
    return signed_in(request, finished.token, next_path)


def _page(
    request: _Request, next_path: str, status_code: int = 200, problem: str = ""
) -> Response[str]:
    with session_scope(request.app.state.engine, read_only=True) as session:
        user = pending_user(session, request.auth, visit_of(request))
        ways = {
            "with_app": has_totp(session, user.id),
            "passkeys": passkey_count(session, user.id),
            "codes": recovery_codes_left(session, user.id),
        }
    return render(
        request,
        "second_step/second_step.html",
        status_code=status_code,
        problem=problem,
        next=own_path(next_path),
        email=user.email,
        possible=relying_party(request.app.state.settings) is not None,
        **ways,
    )


ROUTER = Router(
    "/",
    route_handlers=[
        second_step_page,
        use_code,
        use_recovery_code,
        ask_for_passkey,
        use_passkey,
        cancel,
    ],
)
