"""Recovery codes work once each, and the old ones never after new ones are made."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from app.security.models import RecoveryCode
from app.security.recovery import CODES, make_recovery_codes, use_recovery_code
from app.security.second_factors import recovery_codes_left
from app.security.totp import remove_totp
from tests.app.security.test_totp import enrol
from tests.factories import actor_of, make_user


def test_each_code_works_once(session: Session) -> None:
    user = make_user(session)
    codes = make_recovery_codes(session, actor_of(user), user)
    assert len(set(codes)) == CODES
    for left, code in zip(range(CODES - 1, -1, -1), codes, strict=True):
        assert use_recovery_code(session, actor_of(user), user.id, code)
        assert not use_recovery_code(session, actor_of(user), user.id, code)
        assert recovery_codes_left(session, user.id) == left


def test_codes_may_be_typed_in_any_way(session: Session) -> None:
    user = make_user(session)
    first, second, *_ = make_recovery_codes(session, actor_of(user), user)
    assert use_recovery_code(session, actor_of(user), user.id, first.upper().replace("-", " "))
    assert use_recovery_code(session, actor_of(user), user.id, f" {second.replace('-', '')}\n")


def test_new_codes_replace_the_old(session: Session) -> None:
    user = make_user(session)
    old = make_recovery_codes(session, actor_of(user), user)
    make_recovery_codes(session, actor_of(user), user)
    assert not any(use_recovery_code(session, actor_of(user), user.id, code) for code in old)
    assert recovery_codes_left(session, user.id) == CODES


def test_anothers_code_and_nonsense_are_wrong(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    codes = make_recovery_codes(session, actor_of(other), other)
    for code in (codes[0], "", "nonsense", "\0", "x" * 10_000):
        assert not use_recovery_code(session, actor_of(user), user.id, code)


def test_only_digests_are_stored(session: Session) -> None:
    user = make_user(session)
    codes = make_recovery_codes(session, actor_of(user), user)
    stored = session.scalars(select(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    assert not {row.code_sha256 for row in stored} & set(codes)
    assert all(len(code.replace("-", "")) == 16 for code in codes)


def test_codes_go_with_the_last_factor(session: Session) -> None:
    user = make_user(session)
    enrol(session, user)
    make_recovery_codes(session, actor_of(user), user)
    remove_totp(session, actor_of(user), user)
    assert recovery_codes_left(session, user.id) == 0
