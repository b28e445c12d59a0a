"""The second step: each way in, every refusal alike and recorded, and no way around."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from app.security.models import Proof
from app.security.passkeys import Answer, take_challenge
from app.security.people import Visit
from app.security.recovery import make_recovery_codes
from app.security.second_step import (
    SECOND_STEP,
    Finished,
    drop_pending,
    finish_with_code,
    finish_with_passkey,
    finish_with_recovery_code,
    pending_user,
    sign_in_with_passkey,
)
from app.security.sessions import Origin, Timeouts, find_pending, find_session, start_session
from governance.audit.entries import decode_entry
from governance.audit.models import Action, AuditEntry
from governance.errors import NotSignedIn
from governance.parties.models import User
from tests.app.security.authenticator import Authenticator
from tests.app.security.factors import ORIGIN, PARTY, VISIT, answer_of, give_passkey
from tests.app.security.test_totp import KEY, code_of, enrol
from tests.factories import NOW, actor_of, make_user

LIMITS = Timeouts(timedelta(minutes=30), timedelta(hours=12))


@dataclass
class Waiting:
    """A user with every factor, whose password was right."""

    user: User
    token: str
    right_code: str
    codes: tuple[str, ...]
    device: Authenticator

    def answer(self, session: Session, device: Authenticator | None = None) -> Answer:
        """What a device answers to the question at the second step."""
        return answer_of(session, device or self.device, self.token, self.user)


@pytest.fixture
def waiting(session: Session) -> Waiting:
    """Somebody at the second step."""
    user = make_user(session)
    offer = enrol(session, user, NOW - timedelta(hours=1))
    codes = make_recovery_codes(session, actor_of(user), user)
    device = give_passkey(session, user)
    token = start_session(session, user, NOW, Proof.PASSWORD, complete=False)
    return Waiting(user, token, code_of(offer, NOW), codes, device)


def _proof(session: Session, finished: Finished) -> Proof | None:
    assert finished.token is not None
    found = find_session(session, finished.token, NOW, LIMITS)
    assert found is not None
    return found.session.proof


def _entries(session: Session, action: Action) -> list[dict[str, object]]:
    found = session.scalars(select(col(AuditEntry.data)).where(col(AuditEntry.action) == action))
    return [decode_entry(data)["after"] for data in found]


def test_each_way_finishes_the_sign_in(session: Session, waiting: Waiting) -> None:
    by_code = finish_with_code(session, KEY, waiting.token, VISIT, waiting.right_code)
    assert _proof(session, by_code) == Proof.PASSWORD_AND_CODE
    assert find_session(session, waiting.token, NOW, LIMITS) is None
    token = start_session(session, waiting.user, NOW, Proof.PASSWORD, complete=False)
    recovered = finish_with_recovery_code(session, token, VISIT, waiting.codes[3])
    assert _proof(session, recovered) == Proof.PASSWORD_AND_RECOVERY_CODE
    waiting.token = start_session(session, waiting.user, NOW, Proof.PASSWORD, complete=False)
    answer = waiting.answer(session)
    shown = finish_with_passkey(session, PARTY, waiting.token, VISIT, answer)
    assert _proof(session, shown) == Proof.PASSWORD_AND_PASSKEY
    assert [one["proof"] for one in _entries(session, Action.USER_SIGNED_IN)] == [
        "password_and_code",
        "password_and_recovery_code",
        "password_and_passkey",
    ]


def test_each_refusal_is_recorded_and_opens_nothing(session: Session, waiting: Waiting) -> None:
    stranger = waiting.answer(session, Authenticator(ORIGIN))
    refused = [
        finish_with_code(session, KEY, waiting.token, VISIT, "000000"),
        finish_with_recovery_code(session, waiting.token, VISIT, "aaaa-aaaa-aaaa-aaaa"),
        finish_with_passkey(session, PARTY, waiting.token, VISIT, stranger),
        finish_with_passkey(session, PARTY, waiting.token, VISIT, Answer(None, "{}")),
    ]
    assert refused == [Finished(None)] * 4
    assert find_session(session, waiting.token, NOW, LIMITS) is None
    assert len(_entries(session, Action.USER_SIGN_IN_REFUSED)) == 4
    assert _entries(session, Action.USER_SIGNED_IN) == []


def test_too_many_answers_have_to_wait_even_if_right(session: Session, waiting: Waiting) -> None:
    for _ in range(SECOND_STEP.limit):
        assert finish_with_code(session, KEY, waiting.token, VISIT, "000000") == Finished(None)
    slowed = finish_with_code(session, KEY, waiting.token, VISIT, waiting.right_code)
    assert slowed.token is None
    assert slowed.wait == SECOND_STEP.window.total_seconds()
    another = start_session(session, waiting.user, NOW, Proof.PASSWORD, complete=False)
    assert finish_with_recovery_code(session, another, VISIT, waiting.codes[0]).wait


def test_a_waiting_session_lasts_five_minutes(session: Session, waiting: Waiting) -> None:
    assert pending_user(session, waiting.token, VISIT) == waiting.user
    late = Visit(NOW + timedelta(minutes=5), "request-3")
    with pytest.raises(NotSignedIn):
        finish_with_code(session, KEY, waiting.token, late, waiting.right_code)
    assert find_pending(session, waiting.token, NOW + timedelta(minutes=4)) is not None
    drop_pending(session, waiting.token, VISIT)
    drop_pending(session, waiting.token, VISIT)
    with pytest.raises(NotSignedIn):
        finish_with_code(session, KEY, waiting.token, VISIT, waiting.right_code)


def test_a_whole_session_or_none_has_no_second_step(session: Session, waiting: Waiting) -> None:
    whole = start_session(session, waiting.user, NOW, Proof.PASSWORD)
    for token in (whole, "", "nonsense"):
        with pytest.raises(NotSignedIn):
            finish_with_code(session, KEY, token, VISIT, waiting.right_code)


def test_a_passkey_alone_signs_in(session: Session, waiting: Waiting) -> None:
    answer = answer_of(session, waiting.device, "visitor")
    token = sign_in_with_passkey(session, PARTY, answer, VISIT, Origin())
    assert _proof(session, Finished(token)) == Proof.PASSKEY
    again = Answer(take_challenge(session, "visitor", NOW), answer.credential)
    assert sign_in_with_passkey(session, PARTY, again, VISIT, Origin()) is None


def test_a_closed_account_has_no_passkeys(session: Session, waiting: Waiting) -> None:
    waiting.user.active = False
    session.flush()
    answer = answer_of(session, waiting.device, "visitor")
    assert sign_in_with_passkey(session, PARTY, answer, VISIT, Origin()) is None
    with pytest.raises(NotSignedIn):
        pending_user(session, waiting.token, VISIT)
