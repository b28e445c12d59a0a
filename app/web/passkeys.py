"""Passkeys: add and remove one's own, and sign in with one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from app.database import session_scope
from app.security.authentication import origin_of
from app.security.enrolment import after_adding, after_removal
from app.security.guards import ENROLMENT, PUBLIC, RECENT, SIGNED_IN_ONLY, limited
from app.security.models import Proof
from app.security.passkeys import (
    add_passkey,
    ask_for_known,
    ask_for_new,
    relying_party,
    remove_passkey,
)
from app.security.second_factors import enrolment_path
from app.security.second_step import PASSKEY_SIGN_IN, sign_in_with_passkey
from app.web.addresses import own_path, row_id
from app.web.rendering import render, see_other
from app.web.second_factor import after_change, own_account
from app.web.second_step import PasskeyForm, answer_of, json_answer, party_of, signed_in, visit_of
from app.web.unit_of_work import work

_PATH = f"{enrolment_path()}/passkeys"
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class NewPasskeyForm:
    """What the form for a new passkey sends once the script has filled it in."""

    name: str = ""
    credential: str = ""


@get(f"{_PATH}/new", opt=ENROLMENT | RECENT, sync_to_thread=True)
def new_passkey_page(request: _Request) -> Response[str]:
    """A name and a button; where the address can have no passkeys, why."""
    settings = request.app.state.settings
    return render(
        request,
        "passkeys/new.html",
        possible=relying_party(settings) is not None,
        public_url=settings.public_url,
    )


@post(f"{_PATH}/options", opt=ENROLMENT | RECENT, sync_to_thread=True)
def ask_for_new_passkey(request: _Request) -> Response[bytes]:
    """What the new passkey is to sign."""
    party = party_of(request)
    with work(request) as unit:
        user = own_account(unit)
        options = ask_for_new(unit.session, party, user, request.auth, unit.actor.at)
    return json_answer(options)


@post(_PATH, opt=ENROLMENT | RECENT, sync_to_thread=True)
def add_new_passkey(
    request: _Request,
    data: Annotated[NewPasskeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Store a passkey."""
    party = party_of(request)
    answer = answer_of(request, request.user.actor.at, data.credential)
    with work(request) as unit:
        user = own_account(unit)
        add_passkey(unit.session, unit.actor, user, party, answer, name=data.name)
        token = after_adding(
            unit.session,
            unit.settings,
            request.user,
            user,
            token=request.auth,
            proof=Proof.PASSWORD_AND_PASSKEY,
        )
    return after_change(request, token)


@post(f"{_PATH}/{{passkey_id:int}}/remove", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def remove_own_passkey(request: _Request, passkey_id: FromPath[int]) -> Response[Any]:
    """Forget a passkey."""
    with work(request) as unit:
        user = own_account(unit)
        remove_passkey(unit.session, unit.actor, user, row_id(passkey_id))
        after_removal(unit.session, unit.settings, request.user, user)
    return see_other(request, enrolment_path())


@post(
    "/sign-in/passkey/options",
    opt=PUBLIC,
    guards=[limited(PASSKEY_SIGN_IN)],
    sync_to_thread=True,
)
def ask_for_any_passkey(request: _Request) -> Response[bytes]:
    """What a passkey of whoever is at the door is to sign."""
    party = party_of(request)
    with session_scope(request.app.state.engine) as session:
        return json_answer(ask_for_known(session, party, request.auth, visit_of(request).at))


@post("/sign-in/passkey", opt=PUBLIC, guards=[limited(PASSKEY_SIGN_IN)], sync_to_thread=True)
def sign_in_by_passkey(
    request: _Request,
    data: Annotated[PasskeyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Start a session; every refusal answers alike."""
    party, visit = party_of(request), visit_of(request)
    answer = answer_of(request, visit.at, data.credential)
    with session_scope(request.app.state.engine) as session:
        token = sign_in_with_passkey(session, party, answer, visit, origin_of(request))
    if token is None:
        next_path = own_path(data.next)
        return render(request, "passkeys/refused.html", status_code=401, next=next_path)
    return signed_in(request, token, data.next)


ROUTER = Router(
    "/",
    route_handlers=[
        new_passkey_page,
        ask_for_new_passkey,
        add_new_passkey,
        remove_own_passkey,
        ask_for_any_passkey,
        sign_in_by_passkey,
    ],
)
