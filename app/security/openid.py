"""OpenID Connect as its client: the code flow with PKCE, and ID tokens checked to the letter.

Follows OpenID Connect Core 1.0 (3.1), Discovery 1.0 and RFC 7636. Nothing here knows the
database or the web framework.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, TypeVar

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749 import OAuth2Token
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from app.security.outbound import ProviderTrouble, is_fit_address, outbound_client
from app.settings import Settings
from governance.audit.service import one_line

RETURN_PATH = "/sign-in/single-sign-on/return"
_WELL_KNOWN = "/.well-known/openid-configuration"
_SCOPE = "openid email"
_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
)
"""Signatures with a private key only: neither `none` nor a secret that we hold too."""
_LEEWAY_SECONDS = 60
_KEPT_FOR = timedelta(hours=1)
_LONGEST = 255
_Document = TypeVar("_Document")


@dataclass(frozen=True, slots=True)
class Question:
    """What a sign-in is asked with, new for each."""

    state: str
    nonce: str
    verifier: str
    """The code verifier of RFC 7636."""

    @classmethod
    def draw(cls) -> Question:
        """With 256 random bits in each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    email: str
    """Empty where the provider names none."""
    email_verified: bool
    """Whether the provider vouches that the address is the person's."""


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """What is used of the provider's own description."""

    authorization: str
    token: str
    keys: str
    user_info: str
    basic: bool
    """Whether the client's secret goes in a header instead of the form."""


class _ClientAuth(httpx.Auth):
    """Shows the token endpoint who the client is, the way authlib writes it."""

    requires_request_body = True

    def __init__(self, prepare: Callable[..., tuple[str, Mapping[str, str], str]]) -> None:
        self._prepare = prepare

    def auth_flow(self, request: httpx.Request) -> Any:
        address, headers, body = self._prepare(
            request.method, str(request.url), request.headers, request.content.decode()
        )
        yield httpx.Request(request.method, address, headers=headers, content=body)


class OpenIdProvider:
    """The one provider of an installation; its description and keys are kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self.name = settings.oidc_name
        self._production = settings.production
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret.get_secret_value()
        self._return_address = settings.public_url.rstrip("/") + RETURN_PATH
        self._lock = Lock()
        self._kept: dict[str, tuple[datetime, Any]] = {}

    def authorization_address(self, question: Question, now: datetime) -> str:
        """Where the browser goes to sign in; ProviderTrouble where the provider is out of reach."""
        endpoints = self._endpoints(now)
        with outbound_client(production=self._production) as http:
            address, _ = self._client(http, endpoints).create_authorization_url(
                endpoints.authorization,
                state=question.state,
                nonce=question.nonce,
                code_verifier=question.verifier,
            )
        return str(address)

    def identify(self, code: str, question: Question, now: datetime) -> Identity:
        """Who signed in, for the code that the browser brought back.

        Raises ProviderTrouble for a code that the provider refuses and for an ID token that is
        forged, expired, for somebody else, or no answer to this question.
        """
        endpoints = self._endpoints(now)
        with outbound_client(production=self._production) as http:
            token = self._exchange(http, endpoints, code, question.verifier)
            claims = self._claims(token, question.nonce, now)
            if "email" not in claims and endpoints.user_info:
                claims |= _user_info(http, endpoints, str(token["access_token"]), claims["sub"])
        email = claims.get("email")
        return Identity(
            self.issuer,
            claims["sub"],
            email if isinstance(email, str) else "",
            claims.get("email_verified") is True,
        )

    def _client(self, http: httpx.Client, endpoints: _Endpoints) -> OAuth2Client:
        with_secret = "client_secret_basic" if endpoints.basic else "client_secret_post"
        return OAuth2Client(
            http,
            client_id=self._client_id,
            client_secret=self._client_secret,
            token_endpoint_auth_method=with_secret if self._client_secret else "none",
            scope=_SCOPE,
            redirect_uri=self._return_address,
            code_challenge_method="S256",
        )

    def _exchange(
        self, http: httpx.Client, endpoints: _Endpoints, code: str, verifier: str
    ) -> OAuth2Token:
        client = self._client(http, endpoints)
        prepare = client.client_auth(client.token_endpoint_auth_method).prepare
        try:
            token: OAuth2Token = client.fetch_token(
                endpoints.token,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                auth=_ClientAuth(prepare),
            )
        except OAuth2Error as error:
            raise ProviderTrouble(_refused(error)) from error
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderTrouble("the provider gave no token for the sign-in") from error
        if not all(isinstance(token.get(part), str) for part in ("id_token", "access_token")):
            raise ProviderTrouble("the provider's answer lacks the ID token")
        return token

    def _claims(self, token: OAuth2Token, nonce: str, now: datetime) -> dict[str, Any]:
        try:
            signed = self._signed(token["id_token"], now)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": nonce,
                    "client_id": self._client_id,
                    "access_token": token["access_token"],
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            why = one_line(str(error))[:_LONGEST]
            raise ProviderTrouble(f"the provider's ID token isn't valid: {why}") from error
        if len(claims["sub"]) > _LONGEST:
            raise ProviderTrouble("the provider's name for the person is too long")
        return dict(claims)

    def _signed(self, id_token: str, now: datetime) -> jwt.Token:
        """The token with its signature checked; keys are fetched anew once if none fits."""
        try:
            return jwt.decode(id_token, self._keys(now), algorithms=_ALGORITHMS)
        except (InvalidKeyIdError, BadSignatureError):
            return jwt.decode(id_token, self._keys(now, anew=True), algorithms=_ALGORITHMS)

    def _endpoints(self, now: datetime) -> _Endpoints:
        address = self.issuer.rstrip("/") + _WELL_KNOWN
        return self._read(address, now, self._described, anew=False)

    def _described(self, document: Mapping[str, Any]) -> _Endpoints:
        if document.get("issuer") != self.issuer:
            other = one_line(str(document.get("issuer")))[:_LONGEST]
            raise ProviderTrouble(f"the provider calls itself {other}, not {self.issuer}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        user_info = document.get("userinfo_endpoint") or ""
        needed = [document.get(name) for name in names] + ([user_info] if user_info else [])
        if not all(is_fit_address(one, production=self._production) for one in needed):
            raise ProviderTrouble("the provider names an endpoint that can't be used safely")
        methods = document.get("token_endpoint_auth_methods_supported")
        basic = not methods or "client_secret_basic" in methods
        authorization, token, keys = (str(document[name]) for name in names)
        return _Endpoints(authorization, token, keys, str(user_info), basic)

    def _keys(self, now: datetime, *, anew: bool = False) -> KeySet:
        return self._read(self._endpoints(now).keys, now, _key_set, anew=anew)

    def _read(
        self,
        address: str,
        now: datetime,
        parse: Callable[[dict[str, Any]], _Document],
        *,
        anew: bool,
    ) -> _Document:
        """A document of the provider's, fetched where none is kept or it must be anew."""
        with self._lock:
            since, document = self._kept.get(address, (now - _KEPT_FOR, None))
        if document is None or anew or now - since >= _KEPT_FOR:
            with outbound_client(production=self._production) as http:
                document = parse(_get(http, address))
            with self._lock:
                self._kept[address] = (now, document)
        found: _Document = document
        return found


def provider_of(settings: Settings) -> OpenIdProvider | None:
    """The installation's provider; None where issuer or client id is not set."""
    return OpenIdProvider(settings) if settings.oidc_issuer and settings.oidc_client_id else None


def _get(http: httpx.Client, address: str, bearer: str = "") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        response = http.get(address, headers=headers)
        document = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderTrouble("the provider can't be reached") from error
    if not isinstance(document, dict):
        raise ProviderTrouble("the provider's answer isn't what it should be")
    return document


def _key_set(document: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": document["keys"]})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise ProviderTrouble("the provider's keys can't be read") from error


def _user_info(
    http: httpx.Client, endpoints: _Endpoints, access_token: str, subject: str
) -> dict[str, Any]:
    """E-mail address and whether it is verified, for providers that keep them out of the token."""
    found = _get(http, endpoints.user_info, access_token)
    if found.get("sub") != subject:
        raise ProviderTrouble("the provider mixes up two people")
    return {name: found[name] for name in ("email", "email_verified") if name in found}


def _refused(error: OAuth2Error) -> str:
    said = ": ".join(str(part) for part in (error.error, error.description) if part)
    return f"the provider refuses the sign-in: {one_line(said)[:_LONGEST]}"
