"""The client of the sign-in provider: it believes exactly what it must."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from app.security.openid import Identity, OpenIdProvider, Question, provider_of
from app.security.outbound import MOST_BYTES, ProviderTrouble, is_fit_address, outbound_client
from app.settings import Settings
from tests.app.security.provider import CLIENT, SECRET, Provider, new_key, serving
from tests.factories import NOW

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that tells the truth until it is told otherwise."""
    with serving() as one:
        yield one


def client_of(provider: Provider, folder: Path, **changes: Any) -> OpenIdProvider:
    """What the application makes of its settings."""
    known: dict[str, Any] = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
    }
    made = provider_of(Settings(data_dir=folder, **known | changes))
    assert made is not None
    return made


@pytest.fixture
def client(provider: Provider, tmp_path: Path) -> OpenIdProvider:
    """The application's side."""
    return client_of(provider, tmp_path)


def sign_in(client: OpenIdProvider, provider: Provider) -> Identity:
    """The whole way, as a browser would go it."""
    question = Question.draw()
    state, code = provider.sign_in(client.authorization_address(question, NOW))
    assert state == question.state
    return client.identify(code, question, NOW)


def test_a_person_is_identified(client: OpenIdProvider, provider: Provider) -> None:
    found = sign_in(client, provider)
    assert found == Identity(provider.issuer, "s-1", "ada@example.org", email_verified=True)
    (form,) = provider.forms
    assert form["redirect_uri"] == "http://127.0.0.1:8000/sign-in/single-sign-on/return"
    assert form["authorization"].startswith("Basic ")
    assert base64.b64decode(form["authorization"][6:]).decode() == f"{CLIENT}:{SECRET}"
    assert SECRET not in form.values()


def test_description_and_keys_are_kept_for_an_hour(
    client: OpenIdProvider, provider: Provider
) -> None:
    for _ in range(3):
        sign_in(client, provider)
    assert len([path for path in provider.asked if path != "/token"]) == 2
    later = NOW + timedelta(hours=1)
    client.authorization_address(Question.draw(), later)
    assert provider.asked.count("/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(
    ("secret", "methods", "expected"),
    [
        (SECRET, ["client_secret_post"], "client_secret"),
        ("", None, "client_id"),
    ],
)
def test_the_client_shows_itself_as_the_provider_wants(
    provider: Provider, tmp_path: Path, secret: str, methods: list[str] | None, expected: str
) -> None:
    provider.description["token_endpoint_auth_methods_supported"] = methods
    client = client_of(provider, tmp_path, oidc_client_secret=SecretStr(secret))
    sign_in(client, provider)
    (form,) = provider.forms
    assert form["authorization"] == ""
    assert form[expected] in {SECRET, CLIENT}
    assert ("client_secret" in form) is bool(secret)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"aud": [CLIENT, "another client"], "azp": "another client"},
        {"aud": None},
        {"azp": "another client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(NOW.timestamp()) + 3600},
        {"iat": None},
        {"nbf": int(NOW.timestamp()) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"at_hash": "of another access token"},
    ],
)
def test_a_token_that_says_anything_else_is_refused(
    client: OpenIdProvider, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    with pytest.raises(ProviderTrouble):
        sign_in(client, provider)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another client"], "azp": CLIENT},
        {"exp": int(NOW.timestamp()) - 30},
    ],
)
def test_what_the_standard_allows_is_taken(
    client: OpenIdProvider, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert sign_in(client, provider).subject == "s-1"


@pytest.mark.parametrize("said", ["true", 1, "yes", None, False])
def test_an_address_is_verified_only_where_it_says_so(
    client: OpenIdProvider, provider: Provider, said: Any
) -> None:
    provider.claims = {"email_verified": said}
    assert not sign_in(client, provider).email_verified


def test_a_forged_signature_is_refused(client: OpenIdProvider, provider: Provider) -> None:
    provider.published = [provider.key]
    provider.key = new_key("k1")
    with pytest.raises(ProviderTrouble, match="isn't valid"):
        sign_in(client, provider)


def test_a_shared_secret_signs_nothing(client: OpenIdProvider, provider: Provider) -> None:
    honest = provider.key
    text = json.dumps(honest.as_dict(private=False))
    provider.published, provider.header = [honest], {"alg": "HS256", "kid": "k1"}
    for secret in (SECRET + " " * 20, text):
        provider.key = OctKey.import_key(secret, {"kid": "k1"})
        with pytest.raises(ProviderTrouble, match="isn't valid"):
            sign_in(client, provider)


def test_no_signature_is_refused(
    client: OpenIdProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = provider.id_token

    def bare(nonce: str) -> str:
        header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        return f"{header}.{signed(nonce).split('.')[1]}."

    monkeypatch.setattr(provider, "id_token", bare)
    with pytest.raises(ProviderTrouble, match="isn't valid"):
        sign_in(client, provider)


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense", "a.b.c.d.e", "🙂.🙂.🙂"])
def test_a_token_that_is_none_is_refused(
    client: OpenIdProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr(provider, "id_token", lambda _: token)
    with pytest.raises(ProviderTrouble):
        sign_in(client, provider)


def test_new_keys_are_fetched_once(client: OpenIdProvider, provider: Provider) -> None:
    sign_in(client, provider)
    provider.key = new_key("k2")
    sign_in(client, provider)
    assert provider.asked.count("/keys") == 2
    sign_in(client, provider)
    assert provider.asked.count("/keys") == 2
    provider.published, provider.key = [provider.key], new_key("k3")
    with pytest.raises(ProviderTrouble):
        sign_in(client, provider)
    assert provider.asked.count("/keys") == 3


def test_other_keys_are_understood(client: OpenIdProvider, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "r1"})
    provider.header = {"alg": "RS256"}
    provider.published = [new_key("k9"), provider.key]
    assert sign_in(client, provider).subject == "s-1"


def test_a_code_works_once_and_for_its_question_only(
    client: OpenIdProvider, provider: Provider
) -> None:
    question = Question.draw()
    _, code = provider.sign_in(client.authorization_address(question, NOW))
    client.identify(code, question, NOW)
    with pytest.raises(ProviderTrouble, match="the code doesn't fit"):
        client.identify(code, question, NOW)
    _, code = provider.sign_in(client.authorization_address(question, NOW))
    with pytest.raises(ProviderTrouble, match="the code doesn't fit"):
        client.identify(code, Question.draw(), NOW)


def test_the_address_may_stand_in_the_user_info(provider: Provider, tmp_path: Path) -> None:
    provider.claims = {"email": None, "email_verified": None}
    assert sign_in(client_of(provider, tmp_path), provider).email == ""
    provider.description["userinfo_endpoint"] = f"{provider.issuer}/userinfo"
    provider.user_info = {"sub": "s-1", "email": "ada@example.org", "email_verified": True}
    client = client_of(provider, tmp_path)
    assert sign_in(client, provider).email_verified
    provider.user_info["sub"] = "s-2"
    with pytest.raises(ProviderTrouble, match="mixes up"):
        sign_in(client, provider)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b""),
        (404, JSON, b"{}"),
        (200, JSON, b"not JSON"),
        (200, JSON, b"[]"),
        (200, JSON, b"{}"),
        (200, JSON, b'{"keys": [{"kty": "EC"}]}'),
        (200, JSON, b'"' + b"x" * MOST_BYTES + b'"'),
        (200, JSON | {"Content-Encoding": "gzip"}, gzip.compress(b"{}")),
        (302, {"Location": "http://127.0.0.1:1/evil"}, b""),
        (307, {"Location": "https://evil.example/"}, b""),
    ],
)
def test_an_unusable_answer_is_said_plainly(
    client: OpenIdProvider,
    provider: Provider,
    path: str,
    answer: tuple[int, dict[str, str], bytes],
) -> None:
    provider.answers[path] = answer
    with pytest.raises(ProviderTrouble) as caught:
        sign_in(client, provider)
    assert "provider" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_nobody_there_is_said_plainly(tmp_path: Path) -> None:
    with serving() as gone:
        client = client_of(gone, tmp_path)
    with pytest.raises(ProviderTrouble, match="can't be reached"):
        client.authorization_address(Question.draw(), NOW)


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": ["https://id.example"]},
        {"userinfo_endpoint": "ftp://id.example"},
    ],
)
def test_a_description_that_leads_astray_is_refused(
    client: OpenIdProvider, provider: Provider, description: dict[str, Any]
) -> None:
    provider.description = description
    with pytest.raises(ProviderTrouble):
        client.authorization_address(Question.draw(), NOW)


@pytest.mark.parametrize(
    ("address", "in_development", "in_production"),
    [
        ("https://id.example/token", True, True),
        ("http://localhost:9400/token", True, False),
        ("http://127.0.0.1/token", True, False),
        ("http://id.example/token", False, False),
        ("https://user@id.example/token", False, False),
        ("https://id.example/token#part", False, False),
        ("https:///token", False, False),
        ("https://[", False, False),
        ("ftp://id.example", False, False),
        (None, False, False),
    ],
)
def test_which_addresses_are_fit(
    address: object, *, in_development: bool, in_production: bool
) -> None:
    assert is_fit_address(address, production=False) is in_development
    assert is_fit_address(address, production=True) is in_production


def test_production_speaks_https_only(provider: Provider) -> None:
    with (
        outbound_client(production=True) as http,
        pytest.raises(ProviderTrouble, match="https"),
    ):
        http.get(f"{provider.issuer}/keys")
    assert provider.asked == []


def test_without_issuer_or_client_there_is_no_provider(tmp_path: Path) -> None:
    assert provider_of(Settings(data_dir=tmp_path)) is None
    assert provider_of(Settings(data_dir=tmp_path, oidc_issuer="https://id.example")) is None
