"""Passkeys: made and shown as asked, and refused whenever anything doesn't fit."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from app.security.models import Passkey
from app.security.passkeys import (
    MOST_PASSKEYS,
    Answer,
    RelyingParty,
    Shown,
    add_passkey,
    ask_for_known,
    ask_for_new,
    passkeys_of,
    relying_party,
    remove_passkey,
    take_challenge,
    use_passkey,
)
from app.settings import Settings
from governance.errors import BadInput, Conflict, NotFound
from governance.parties.models import User
from tests.app.security.authenticator import Authenticator
from tests.factories import NOW, actor_of, make_user

ORIGIN = "https://plumbline.example"
PARTY = RelyingParty("plumbline.example", ORIGIN)
BROWSER = "the browser's own secret"
LATER = NOW + timedelta(minutes=1)


def _add(session: Session, user: User, device: Authenticator, name: str = "Laptop") -> Passkey:
    made = device.make(ask_for_new(session, PARTY, user, BROWSER, NOW))
    answer = Answer(take_challenge(session, BROWSER, NOW), made)
    return add_passkey(session, actor_of(user), user, PARTY, answer, name=name)


def _show(session: Session, device: Authenticator, user: User | None = None) -> Shown:
    user_id = user.id if user else None
    shown = device.show(ask_for_known(session, PARTY, BROWSER, NOW, user_id))
    answer = Answer(take_challenge(session, BROWSER, NOW), shown)
    return use_passkey(session, PARTY, answer, LATER, user_id)


@pytest.fixture
def user(session: Session) -> User:
    """Somebody."""
    return make_user(session)


@pytest.fixture
def device(session: Session, user: User) -> Authenticator:
    """Somebody's registered passkey."""
    one = Authenticator(ORIGIN)
    _add(session, user, one)
    return one


def test_a_passkey_is_made_and_shown(session: Session, user: User, device: Authenticator) -> None:
    (stored,) = passkeys_of(session, user.id)
    assert (stored.name, stored.last_used_at) == ("Laptop", None)
    assert _show(session, device).passkey == stored
    assert _show(session, device, user).passkey == stored
    assert (stored.sign_count, stored.last_used_at) == (2, LATER)


def test_the_options_name_what_is_known_already(
    session: Session, user: User, device: Authenticator
) -> None:
    new = json.loads(ask_for_new(session, PARTY, user, BROWSER, NOW))
    assert len(new["excludeCredentials"]) == 1
    assert new["rp"]["id"] == "plumbline.example"
    assert user.email not in str(device.user_handle)
    known = json.loads(ask_for_known(session, PARTY, BROWSER, NOW, user.id))
    assert len(known["allowCredentials"]) == 1
    assert known["userVerification"] == "preferred"
    anybody = json.loads(ask_for_known(session, PARTY, BROWSER, NOW))
    assert anybody["allowCredentials"] == []
    assert anybody["userVerification"] == "required"


def test_a_challenge_is_taken_once_by_its_browser_in_time(session: Session, user: User) -> None:
    ask_for_known(session, PARTY, BROWSER, NOW, user.id)
    first = ask_for_known(session, PARTY, BROWSER, NOW, user.id)
    assert take_challenge(session, "another browser", NOW) is None
    taken = take_challenge(session, BROWSER, NOW)
    assert taken is not None
    assert json.loads(first)["challenge"].encode() != taken
    assert take_challenge(session, BROWSER, NOW) is None
    ask_for_known(session, PARTY, BROWSER, NOW, user.id)
    assert take_challenge(session, BROWSER, NOW + timedelta(minutes=5)) is None
    assert use_passkey(session, PARTY, Answer(None, "{}"), NOW).passkey is None


def test_an_answer_to_another_challenge_is_refused(session: Session, device: Authenticator) -> None:
    options = ask_for_known(session, PARTY, BROWSER, NOW)
    shown = device.show(options)
    challenge = take_challenge(session, BROWSER, NOW)
    assert use_passkey(session, PARTY, Answer(challenge, shown), NOW).passkey is not None
    ask_for_known(session, PARTY, BROWSER, NOW)
    another = Answer(take_challenge(session, BROWSER, NOW), shown)
    assert "challenge" in use_passkey(session, PARTY, another, NOW).why


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://plumbline.example", f"{ORIGIN}:444", f"{ORIGIN}/"]
)
def test_another_origin_is_refused(
    session: Session, user: User, device: Authenticator, origin: str
) -> None:
    device.origin = origin
    assert "origin" in _show(session, device).why
    with pytest.raises(BadInput, match="doesn't fit"):
        _add(session, user, Authenticator(origin))


def test_another_relying_party_is_refused(session: Session, device: Authenticator) -> None:
    options = json.loads(ask_for_known(session, PARTY, BROWSER, NOW))
    shown = device.show(json.dumps(options | {"rpId": "evil.example"}))
    answer = Answer(take_challenge(session, BROWSER, NOW), shown)
    assert "RP ID" in use_passkey(session, PARTY, answer, NOW).why


def test_another_users_passkey_is_refused(
    session: Session, user: User, device: Authenticator
) -> None:
    other = make_user(session)
    assert _show(session, device, other).why == "the passkey is unknown"
    device.user_handle = b"somebody else"
    assert _show(session, device, user).why == "the passkey is somebody else's"
    with pytest.raises(NotFound):
        remove_passkey(session, actor_of(other), other, passkeys_of(session, user.id)[0].id)


def test_a_foreign_key_is_refused(session: Session, user: User, device: Authenticator) -> None:
    forged = Authenticator(ORIGIN, credential_id=device.credential_id)
    forged.user_handle = device.user_handle
    assert "signature" in _show(session, forged, user).why
    assert _show(session, Authenticator(ORIGIN)).why == "the passkey is unknown"


def test_a_counter_that_goes_back_is_refused(
    session: Session, user: User, device: Authenticator
) -> None:
    for _ in range(3):
        assert _show(session, device, user).passkey
    device.counter -= 1
    assert "copied" in _show(session, device, user).why
    assert _show(session, device, user).passkey


def test_a_passkey_that_never_counts_is_fine(
    session: Session, user: User, device: Authenticator
) -> None:
    for _ in range(2):
        device.counter = -1
        assert _show(session, device, user).passkey


def test_without_verification_it_is_a_second_step_only(session: Session, user: User) -> None:
    key = Authenticator(ORIGIN, verifies=False)
    _add(session, user, key)
    assert "verif" in _show(session, key).why
    assert _show(session, key, user).passkey


@pytest.mark.parametrize(
    "credential",
    ["", "[]", "nonsense", "{}", '{"id": 1}', '{"id":"a","rawId":"ä","type":"public-key"}', "\0"],
)
def test_nonsense_is_refused(session: Session, user: User, credential: str) -> None:
    ask_for_new(session, PARTY, user, BROWSER, NOW)
    answer = Answer(take_challenge(session, BROWSER, NOW), credential)
    with pytest.raises(BadInput):
        add_passkey(session, actor_of(user), user, PARTY, answer, name="Laptop")
    assert use_passkey(session, PARTY, answer, NOW).passkey is None


def test_every_byte_of_an_answer_counts(session: Session, user: User) -> None:
    device = Authenticator(ORIGIN)
    options = ask_for_new(session, PARTY, user, BROWSER, NOW)
    challenge = take_challenge(session, BROWSER, NOW)
    made = json.loads(device.make(options))
    statement = made["response"]["attestationObject"]
    for end in range(0, len(statement), 7):
        made["response"]["attestationObject"] = statement[:end]
        answer = Answer(challenge, json.dumps(made))
        with pytest.raises(BadInput):
            add_passkey(session, actor_of(user), user, PARTY, answer, name="Laptop")


def test_names_and_numbers_have_limits(session: Session, user: User) -> None:
    for name in ("", " ", "x" * 81):
        with pytest.raises(BadInput, match="name"):
            _add(session, user, Authenticator(ORIGIN), name)
    for number in range(MOST_PASSKEYS):
        _add(session, user, Authenticator(ORIGIN), f"Key {number}")
    with pytest.raises(Conflict, match="remove one"):
        _add(session, user, Authenticator(ORIGIN))


def test_a_passkey_belongs_to_one_account(
    session: Session, user: User, device: Authenticator
) -> None:
    with pytest.raises(Conflict, match="registered already"):
        _add(session, make_user(session), device)
    (stored,) = passkeys_of(session, user.id)
    remove_passkey(session, actor_of(user), user, stored.id)
    assert session.scalars(select(Passkey).where(col(Passkey.user_id) == user.id)).all() == []


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://Plumbline.Example", ORIGIN),
        ("https://plumbline.example:443/", ORIGIN),
        ("https://plumbline.example:8443", f"{ORIGIN}:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://plumbline.localhost", "http://plumbline.localhost"),
        ("http://plumbline.example", ""),
        ("http://127.0.0.1:8000", ""),
        ("https://192.0.2.1", ""),
        ("https://[2001:db8::a]", ""),
    ],
)
def test_which_addresses_can_have_passkeys(tmp_path: Path, public_url: str, expected: str) -> None:
    party = relying_party(Settings(data_dir=tmp_path, public_url=public_url))
    assert (party.origin if party else "") == expected
