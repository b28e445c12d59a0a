"""API tokens: made, presented, listed, revoked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from app.security.api_tokens import (
    NewToken,
    find_token,
    make_token,
    note_use,
    offered_scopes,
    revoke_all_tokens,
    revoke_token,
    tokens_of,
)
from app.security.models import ApiToken
from governance.access import APPROVALS, ENGAGEMENT_ROLES, Actor, Permission, Role
from governance.audit.models import Action, AuditEntry
from governance.errors import BadInput, NotFound
from governance.parties.service import deactivate, get_user
from tests.factories import NOW, actor_of, make_engagement, make_member, make_user

LAST_DAY = NOW.date() + timedelta(days=30)
VIEW = frozenset({Permission.VIEW})
DAY = timedelta(days=1)


def _member(session: Session, role: Role = Role.CLIENT_FINANCE) -> Actor:
    lead = actor_of(make_user(session))
    return make_member(session, make_engagement(session, lead), role)


def _made(session: Session, actor: Actor, reference: str = "") -> tuple[ApiToken, str]:
    return make_token(session, actor, NewToken("Nightly job", VIEW, LAST_DAY, reference))


def test_the_database_knows_only_the_digest_of_a_token(session: Session) -> None:
    row, text = _made(session, _member(session))
    assert text.startswith("plb_")
    assert len(text) == 4 + 43
    assert text not in row.model_dump_json()
    entry = session.scalars(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
    assert entry is not None
    assert entry.action is Action.API_TOKEN_MADE
    assert text.encode() not in entry.data
    assert b"Nightly" not in entry.data


def test_a_token_is_its_owners_until_its_last_day_is_over(session: Session) -> None:
    actor = _member(session)
    _, text = _made(session, actor)
    found = find_token(session, text, NOW)
    assert found is not None
    assert (found.user.id, found.scopes) == (actor.user_id, VIEW)
    end = NOW.replace(hour=0, minute=0) + 31 * DAY
    assert find_token(session, text, end - timedelta(seconds=1)) is not None
    assert find_token(session, text, end) is None


@pytest.mark.parametrize("text", ["", "plb_", "plb_" + "x" * 43, "x" * 47, "plb_" + "é" * 43])
def test_other_texts_are_nobodys(session: Session, text: str) -> None:
    _made(session, _member(session))
    assert find_token(session, text, NOW) is None


def test_a_closed_accounts_token_is_worth_nothing(session: Session) -> None:
    actor = _member(session)
    _, text = _made(session, actor)
    deactivate(session, actor, get_user(session, actor.signed_in_id))
    assert find_token(session, text, NOW) is None


@pytest.mark.parametrize(
    ("new", "column"),
    [
        (NewToken(" ", VIEW, LAST_DAY), "name"),
        (NewToken("x" * 81, VIEW, LAST_DAY), "name"),
        (NewToken("job", frozenset(), LAST_DAY), "scopes"),
        (NewToken("job", frozenset({Permission.ISSUE_INVOICE}), LAST_DAY), "scopes"),
        (NewToken("job", frozenset({Permission.VIEW_OPERATION}), LAST_DAY), "scopes"),
        (NewToken("job", VIEW, None), "last_day"),
        (NewToken("job", VIEW, NOW.date() - DAY), "last_day"),
        (NewToken("job", VIEW, NOW.date() + 366 * DAY), "last_day"),
        (NewToken("job", VIEW, date.max), "last_day"),
    ],
)
def test_what_a_token_can_not_be_is_refused(session: Session, new: NewToken, column: str) -> None:
    with pytest.raises(BadInput) as refused:
        make_token(session, _member(session), new)
    assert [problem.column for problem in refused.value.problems] == [column]


def test_a_token_can_be_for_one_engagement_of_ones_own(session: Session) -> None:
    actor = _member(session)
    row, _ = _made(session, actor, "ENG-1")
    assert row.engagement_id is not None
    (listed,) = tokens_of(session, actor)
    assert listed.engagement is not None
    assert listed.engagement.reference == "ENG-1"
    with pytest.raises(NotFound):
        _made(session, actor, "ENG-2")


@pytest.mark.parametrize("approval", sorted(APPROVALS))
def test_no_token_gives_a_persons_yes(session: Session, approval: Permission) -> None:
    engagement = make_engagement(session, actor_of(make_user(session)))
    for role in ENGAGEMENT_ROLES:
        member = make_member(session, engagement, role)
        assert approval not in offered_scopes(session, member, operator=False)
        with pytest.raises(BadInput, match="by a person, never by a program"):
            make_token(session, member, NewToken("job", frozenset({approval}), LAST_DAY))
        row, text = make_token(session, member, NewToken("job", VIEW, LAST_DAY))
        row.scopes = f"{row.scopes} {approval.value}"  # As one made before this rule.
        session.flush()
        found = find_token(session, text, NOW)
        assert found is not None
        assert found.scopes == VIEW


def test_what_is_offered_follows_from_the_roles(session: Session) -> None:
    offered = set(offered_scopes(session, _member(session), operator=False))
    assert offered == VIEW | {
        Permission.CHECK_PROVIDER_INVOICE,
        Permission.CLAIM_CREDIT,
        Permission.DISPUTE_INVOICE,
        Permission.EXPORT_JOURNAL,
        Permission.UPDATE_TRENDS,
    }
    nobody = actor_of(make_user(session))
    assert offered_scopes(session, nobody, operator=False) == ()
    assert offered_scopes(session, nobody, operator=True) == (Permission.VIEW_OPERATION,)


def test_the_last_use_is_noted_once_a_minute(session: Session) -> None:
    actor = _member(session)
    row, text = _made(session, actor)
    first = find_token(session, text, NOW)
    assert first is not None
    assert first.needs_note
    note_use(session, row, NOW)
    again = find_token(session, text, NOW + timedelta(seconds=30))
    assert again is not None
    assert not again.needs_note
    note_use(session, row, NOW + timedelta(minutes=5))
    assert tokens_of(session, actor)[0].last_used_at == NOW + timedelta(minutes=5)


def test_a_revoked_token_is_worth_nothing(session: Session) -> None:
    actor, other = _member(session), actor_of(make_user(session))
    row, text = _made(session, actor)
    with pytest.raises(NotFound):
        revoke_token(session, other, row.id)
    revoke_token(session, actor, row.id)
    assert find_token(session, text, NOW) is None
    assert tokens_of(session, actor) == ()
    with pytest.raises(NotFound):
        revoke_token(session, actor, row.id)
    _made(session, actor)
    assert revoke_all_tokens(session, other, get_user(session, actor.signed_in_id)) == 1
