"""Who must use a second factor: every role, every state of an account."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from app.security.enrolment import after_removal, new_recovery_codes, remove_all_factors
from app.security.models import Proof
from app.security.people import Person
from app.security.second_factors import (
    has_second_factor,
    must_enrol,
    must_use_second_factor,
    recovery_codes_left,
)
from app.security.totp import remove_totp
from app.settings import Settings
from governance.access import ENGAGEMENT_ROLES, Role
from governance.errors import Conflict
from governance.parties.models import Membership, OperatorTerm
from tests.app.security.test_totp import enrol
from tests.factories import NOW, actor_of, make_actor, make_engagement, make_member, make_user

DAY = timedelta(days=1)


def _settings(folder: Path, *roles: Role) -> Settings:
    return Settings(data_dir=folder, strong_sign_in_roles=list(roles))


@pytest.mark.parametrize("role", ENGAGEMENT_ROLES)
@pytest.mark.parametrize("proof", list(Proof))
def test_a_named_role_demands_a_strong_proof(
    session: Session, tmp_path: Path, role: Role, proof: Proof
) -> None:
    engagement = make_engagement(session, make_actor(session))
    member = make_member(session, engagement, role)
    weak = proof is Proof.PASSWORD
    others = [one for one in Role if one is not role]
    assert must_enrol(session, member, proof, _settings(tmp_path, role)) is weak
    assert not must_enrol(session, member, proof, _settings(tmp_path, *others))
    assert not must_enrol(session, member, proof, _settings(tmp_path))


@pytest.mark.parametrize(
    ("starts", "ends", "demanded"),
    [
        (None, None, True),
        (-1, 1, True),
        (0, 0, True),
        (1, None, False),
        (None, -1, False),
    ],
)
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.CLIENT_FINANCE])
def test_only_a_role_of_the_day_counts(
    session: Session,
    tmp_path: Path,
    role: Role,
    starts: int | None,
    ends: int | None,
    demanded: bool,
) -> None:
    user = make_user(session)
    held: OperatorTerm | Membership = OperatorTerm(user_id=user.id, granted_at=NOW)
    if role is not Role.OPERATOR:
        engagement = make_engagement(session, make_actor(session))
        held = Membership(user_id=user.id, engagement_id=engagement.id, role=role)
    held.starts_on = NOW.date() + starts * DAY if starts is not None else None
    held.ends_on = NOW.date() + ends * DAY if ends is not None else None
    session.add(held)
    session.flush()
    settings = _settings(tmp_path, role)
    assert must_use_second_factor(session, actor_of(user), settings) is demanded


def test_the_last_factor_stays_where_a_role_demands_one(session: Session, tmp_path: Path) -> None:
    user = make_user(session)
    session.add(OperatorTerm(user_id=user.id, granted_at=NOW))
    enrol(session, user)
    person = Person(actor_of(user), "Clearwater")
    remove_totp(session, person.actor, user)
    with pytest.raises(Conflict, match="last one"):
        after_removal(session, _settings(tmp_path, Role.OPERATOR), person, user)
    after_removal(session, _settings(tmp_path), person, user)


def test_recovery_codes_need_a_factor(session: Session, tmp_path: Path) -> None:
    user = make_user(session)
    settings = _settings(tmp_path)
    with pytest.raises(Conflict, match="Add one first"):
        new_recovery_codes(session, settings, actor_of(user), user)
    enrol(session, user)
    assert has_second_factor(session, user.id)
    new_recovery_codes(session, settings, actor_of(user), user)
    assert remove_all_factors(session, settings, make_actor(session), user) == 1
    assert not has_second_factor(session, user.id)
    assert recovery_codes_left(session, user.id) == 0
