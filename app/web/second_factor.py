"""One's own second factors: what there is, an authenticator app, recovery codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from sqlmodel import Session

from app.security.cookies import own_cookie
from app.security.enrolment import after_adding, after_removal, new_recovery_codes, unlink
from app.security.guards import ENROLMENT, RECENT, SIGNED_IN_ONLY
from app.security.models import Proof
from app.security.passkeys import passkeys_of, relying_party
from app.security.recovery import CODES
from app.security.second_factors import (
    enrolment_path,
    must_use_second_factor,
    recovery_codes_left,
)
from app.security.single_sign_on import identities_of
from app.security.totp import Offer, add_totp, offer_totp, read_offer, remove_totp, totp_since
from app.web.addresses import row_id
from app.web.rendering import render, see_other
from app.web.unit_of_work import Work, work
from governance.errors import BadInput
from governance.parties.models import User
from governance.parties.service import get_user

_PATH = enrolment_path()
_FILE_HEADING = "Recovery codes for Plumbline, each works once"
_Request = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class AppForm:
    """What the form that confirms an authenticator app sends."""

    code: str = ""
    sealed: str = ""


@get(_PATH, opt=ENROLMENT, sync_to_thread=True)
def second_factors_page(request: _Request) -> Response[str]:
    """Everything that proves the user beside the password."""
    with work(request) as unit:
        user = own_account(unit)
        context = _factors(unit.session, user)
        demanded = must_use_second_factor(unit.session, unit.actor, unit.settings)
    return render(
        request,
        "second_factor/list.html",
        demanded=demanded,
        possible=relying_party(unit.settings) is not None,
        most_codes=CODES,
        sign_on_name=unit.settings.oidc_name if unit.settings.oidc_issuer else "",
        **context,
    )


def own_account(unit: Work) -> User:
    """The account of the user who works."""
    return get_user(unit.session, unit.actor.signed_in_id)


def after_change(request: _Request, token: str) -> Response[Any]:
    """Back to the list, with the session's new token in the browser's cookie."""
    response = see_other(request, _PATH)
    response.set_cookie(own_cookie(request.app.state.settings, "session", token))
    return response


def _factors(session: Session, user: User) -> dict[str, Any]:
    return {
        "app_since": totp_since(session, user.id),
        "passkeys": passkeys_of(session, user.id),
        "codes": recovery_codes_left(session, user.id),
        "identities": identities_of(session, user.id),
    }


@get(f"{_PATH}/authenticator", opt=ENROLMENT | RECENT, sync_to_thread=True)
def app_page(request: _Request) -> Response[str]:
    """A new secret to scan; nothing is stored until a first code confirms it."""
    with work(request) as unit:
        user = own_account(unit)
        replaces = totp_since(unit.session, user.id) is not None
    offer = offer_totp(unit.settings.secret(), user, _issuer(unit), unit.actor.at)
    return _offered(request, offer, replaces=replaces)


@post(f"{_PATH}/authenticator", opt=ENROLMENT | RECENT, sync_to_thread=True)
def add_app(
    request: _Request,
    data: Annotated[AppForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Store the secret once its first code is right; a wrong one shows the same secret again."""
    key = request.app.state.settings.secret()
    with work(request) as unit:
        user = own_account(unit)
        replaces = totp_since(unit.session, user.id) is not None
        offer = read_offer(key, user, _issuer(unit), data.sealed, unit.actor.at)
    try:
        with work(request) as unit:
            add_totp(unit.session, unit.actor, user, key, offer, code=data.code)
            token = after_adding(
                unit.session,
                unit.settings,
                request.user,
                user,
                token=request.auth,
                proof=Proof.PASSWORD_AND_CODE,
            )
    except BadInput as error:
        return _offered(request, offer, 422, error.problems[0].what, replaces=replaces)
    return after_change(request, token)


@post(f"{_PATH}/authenticator/remove", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def remove_app(request: _Request) -> Response[Any]:
    """Forget the authenticator app."""
    with work(request) as unit:
        user = own_account(unit)
        remove_totp(unit.session, unit.actor, user)
        after_removal(unit.session, unit.settings, request.user, user)
    return see_other(request, _PATH)


@post(f"{_PATH}/recovery-codes", opt=SIGNED_IN_ONLY | RECENT, sync_to_thread=True)
def make_codes(request: _Request) -> Response[str]:
    """Ten new codes, shown this once."""
    with work(request) as unit:
        user = own_account(unit)
        codes = new_recovery_codes(unit.session, unit.settings, unit.actor, user)
    text = "\n".join([_FILE_HEADING, unit.settings.public_url, "", *codes, ""])
    return render(
        request,
        "second_factor/codes.html",
        codes=codes,
        file=f"data:text/plain;charset=utf-8,{quote(text)}",
    )


@post(
    f"{_PATH}/identities/{{identity_id:int}}/unlink",
    opt=SIGNED_IN_ONLY | RECENT,
    sync_to_thread=True,
)
def unlink_own_identity(request: _Request, identity_id: FromPath[int]) -> Response[Any]:
    """Sign in by single sign-on no longer."""
    with work(request) as unit:
        user, number = own_account(unit), row_id(identity_id)
        unlink(unit.session, unit.settings, request.user, user, number)
    return see_other(request, _PATH)


def _issuer(unit: Work) -> str:
    return f"Plumbline {unit.settings.public_host}"


def _offered(
    request: _Request, offer: Offer, status_code: int = 200, problem: str = "", *, replaces: bool
) -> Response[str]:
    return render(
        request,
        "second_factor/authenticator.html",
        status_code=status_code,
        offer=offer,
        problem=problem,
        replaces=replaces,
    )


ROUTER = Router(
    "/",
    route_handlers=[
        second_factors_page,
        app_page,
        add_app,
        remove_app,
        make_codes,
        unlink_own_identity,
    ],
)
