"""Codes of authenticator apps: right ones work once, all others never."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.database import session_scope
from app.security.models import TotpCredential
from app.security.recovery import make_recovery_codes, use_recovery_code
from app.security.sealing import SealBroken
from app.security.totp import (
    Offer,
    add_totp,
    offer_totp,
    read_offer,
    remove_totp,
    totp_since,
    use_totp,
)
from governance.errors import BadInput, NotFound
from governance.parties.models import User
from tests.factories import NOW, actor_of, make_user

KEY = b"the installation's secret"
STEP = timedelta(seconds=30)


def code_of(offer: Offer, at: datetime) -> str:
    """The code that the app shows at a moment."""
    return pyotp.TOTP(offer.secret).at(at)


def enrol(session: Session, user: User, at: datetime = NOW) -> Offer:
    """An authenticator app of the user's, confirmed at `at`."""
    offer = offer_totp(KEY, user, "Plumbline", at)
    add_totp(session, actor_of(user, at), user, KEY, offer, code=code_of(offer, at))
    return offer


def test_a_code_is_right_for_its_step_and_its_neighbours(session: Session) -> None:
    user = make_user(session)
    offer = enrol(session, user, NOW - timedelta(hours=1))
    for away in (-2, 2):
        assert not use_totp(session, KEY, user.id, code_of(offer, NOW + away * STEP), NOW)
    for away in (-1, 0, 1):
        assert use_totp(session, KEY, user.id, code_of(offer, NOW + away * STEP), NOW)


def test_a_code_works_once_and_no_older_one_after_it(session: Session) -> None:
    user = make_user(session)
    offer = enrol(session, user, NOW - timedelta(hours=1))
    code = code_of(offer, NOW)
    assert use_totp(session, KEY, user.id, f" {code[:3]} {code[3:]} ", NOW)
    assert not use_totp(session, KEY, user.id, code, NOW)
    assert not use_totp(session, KEY, user.id, code_of(offer, NOW - STEP), NOW)
    later = NOW + 3 * STEP
    assert use_totp(session, KEY, user.id, code_of(offer, later), later)


def test_the_code_that_confirmed_the_app_opens_nothing(session: Session) -> None:
    user = make_user(session)
    offer = enrol(session, user)
    assert not use_totp(session, KEY, user.id, code_of(offer, NOW), NOW)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\0", "-12345"])
def test_what_is_no_code_is_wrong(session: Session, code: str) -> None:
    user = make_user(session)
    enrol(session, user)
    assert not use_totp(session, KEY, user.id, code, NOW + timedelta(hours=1))


def test_whoever_has_no_app_has_no_code(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    offer = enrol(session, other, NOW - timedelta(hours=1))
    assert not use_totp(session, KEY, user.id, code_of(offer, NOW), NOW)


def test_the_secret_is_stored_sealed(session: Session) -> None:
    user = make_user(session)
    offer = enrol(session, user)
    stored = session.execute(
        select(TotpCredential).where(col(TotpCredential.user_id) == user.id)
    ).scalar_one()
    assert offer.secret.encode() not in stored.secret_sealed
    with pytest.raises(SealBroken):
        use_totp(session, b"another secret", user.id, "123456", NOW)


def test_a_wrong_first_code_stores_nothing(session: Session) -> None:
    user = make_user(session)
    offer = offer_totp(KEY, user, "Plumbline", NOW)
    wrong = f"{(int(code_of(offer, NOW)) + 1) % 10**6:06}"
    with pytest.raises(BadInput, match="isn't the code"):
        add_totp(session, actor_of(user), user, KEY, offer, code=wrong)
    assert totp_since(session, user.id) is None


def test_a_new_app_takes_the_old_ones_place(session: Session) -> None:
    user = make_user(session)
    old = enrol(session, user, NOW - timedelta(hours=2))
    new = enrol(session, user, NOW - timedelta(hours=1))
    assert not use_totp(session, KEY, user.id, code_of(old, NOW), NOW)
    assert use_totp(session, KEY, user.id, code_of(new, NOW), NOW)
    assert totp_since(session, user.id) == NOW - timedelta(hours=1)


def test_an_offer_comes_back_unaltered_to_its_user_in_time(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    offer = offer_totp(KEY, user, "Plumbline", NOW)
    assert read_offer(KEY, user, "Plumbline", offer.sealed, NOW) == offer
    late = NOW + timedelta(minutes=30)
    tampered = offer.sealed[:-2] + ("00" if offer.sealed[-2:] != "00" else "01")
    for owner, sealed, at in (
        (other, offer.sealed, NOW),
        (user, offer.sealed, late),
        (user, tampered, NOW),
        (user, "", NOW),
        (user, "nonsense", NOW),
    ):
        with pytest.raises(BadInput, match="out of date"):
            read_offer(KEY, owner, "Plumbline", sealed, at)


def test_the_offer_is_what_apps_take(session: Session) -> None:
    user = make_user(session)
    offer = offer_totp(KEY, user, "Plumbline example.org", NOW)
    parsed = pyotp.parse_uri(offer.address)
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name, parsed.interval) == (offer.secret, user.email, 30)
    assert offer.spelled.replace(" ", "") == offer.secret
    assert offer.qr_code.startswith("data:image/svg+xml")
    assert len(offer.secret) >= 32


def test_an_app_can_be_removed_once(session: Session) -> None:
    user = make_user(session)
    enrol(session, user)
    remove_totp(session, actor_of(user), user)
    with pytest.raises(NotFound):
        remove_totp(session, actor_of(user), user)


def _at_once(engine: Engine, use: Callable[[Session], bool]) -> list[bool]:
    """What two transactions answer that begin together."""
    barrier = Barrier(2, timeout=30)

    def one(_: int) -> bool:
        barrier.wait()
        with session_scope(engine) as session:
            return use(session)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(2)))


def test_of_two_uses_at_once_one_fails(fresh_engine: Engine) -> None:
    now = datetime.now(UTC)
    with session_scope(fresh_engine) as session:
        user = make_user(session)
        offer = enrol(session, user, now - timedelta(hours=1))
        codes = make_recovery_codes(session, actor_of(user), user)
    code = code_of(offer, now)
    used = _at_once(fresh_engine, lambda one: use_totp(one, KEY, user.id, code, now))
    assert sorted(used) == [False, True]
    actor = actor_of(user, now)
    used = _at_once(fresh_engine, lambda one: use_recovery_code(one, actor, user.id, codes[0]))
    assert sorted(used) == [False, True]
