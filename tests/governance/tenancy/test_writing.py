"""A session writes no row of an engagement that it doesn't see."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    insert,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session, make_transient
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col

from app.database import actor_scope, session_scope
from governance.engagements.models import ContractVersion, Engagement
from governance.engagements.queries import engagements_of
from governance.engagements.service import visible_engagements
from governance.errors import Conflict
from governance.parties.models import Membership, User
from governance.tables import Table
from governance.tenancy import (
    EVERYTHING,
    ForeignRow,
    TenancyError,
    Unbound,
    Unguarded,
    beyond_tenancy,
    bind,
    narrow,
)
from governance.tenancy.rules import (
    Own,
    Through,
    rule_of,
    table_of,
)
from tests.factories import actor_of, make_contract, make_user
from tests.governance.tenancy.tenants import (
    Tenants,
    each_class,
    key_column,
)


def _detached(engine: Engine, mapped: type[Table], key: Any) -> Any:
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        row = session.get_one(mapped, key)
        session.expunge(row)
    return row


@each_class
@pytest.mark.parametrize("bound", [True, False])
def test_a_row_of_another_engagement_is_not_written(
    module_engine: Engine, tenants: Tenants, mapped: type[Table], bound: bool
) -> None:
    key = min(tenants[1].keys[mapped])
    held = [_detached(module_engine, mapped, key) for _ in range(3)]
    sees = frozenset({tenants[0].engagement_id}) if bound else None
    with session_scope(module_engine, sees=sees) as session:
        for row, change in zip(held, (_alter, _delete, _copy), strict=True):
            if not (bound and change is _copy and mapped is Engagement):
                change(session, mapped, row)
                with pytest.raises(ForeignRow if bound else Unbound):
                    session.flush()
                session.expunge_all()
        session.rollback()


def _alter(session: Session, mapped: type[Table], row: Any) -> None:
    session.add(row)
    flag_modified(row, key_column(mapped).key)


def _delete(session: Session, mapped: type[Table], row: Any) -> None:  # noqa: ARG001 (as the others)
    session.delete(row)


def _copy(session: Session, mapped: type[Table], row: Any) -> None:
    """A new row of the other's; a new engagement alone is nobody else's."""
    make_transient(row)
    setattr(row, key_column(mapped).key, None)
    session.add(row)


@each_class
def test_an_own_row_can_not_be_moved_to_another_engagement(
    mine: Session, tenants: Tenants, mapped: type[Table]
) -> None:
    row = mine.get_one(mapped, min(tenants[0].keys[mapped]))
    match rule_of(mapped):
        case Own(column):
            setattr(row, column, tenants[1].engagement_id)
        case Through(column, parent):
            setattr(row, column, min(tenants[1].keys[parent]))
    with pytest.raises(ForeignRow):
        mine.flush()
    mine.expunge_all()


@each_class
def test_an_own_row_may_be_written(mine: Session, tenants: Tenants, mapped: type[Table]) -> None:
    row = mine.get_one(mapped, min(tenants[0].keys[mapped]))
    mine.refresh(row)
    mine.expire(row)
    assert getattr(row, key_column(mapped).key) in tenants[0].keys[mapped]
    flag_modified(row, key_column(mapped).key)
    mine.connection()  # The check of rows comes before the database's own rules.
    with suppress(DBAPIError):
        mine.flush()


def test_a_value_computed_from_another_engagement_is_not_written(
    mine: Session, tenants: Tenants
) -> None:
    own, foreign = (one.engagement_id for one in tenants)
    row = mine.get_one(Engagement, own)
    hidden = select(table_of(Engagement).c.title).where(table_of(Engagement).c.id == foreign)
    row.title = hidden.scalar_subquery()  # type: ignore[assignment] # SQLAlchemy's own form.
    with pytest.raises(Unguarded):
        mine.flush()
    mine.rollback()


# Opening engagements, looking beyond.


def test_who_opens_an_engagement_sees_it(module_engine: Engine, tenants: Tenants) -> None:
    with actor_scope(module_engine, tenants[0].actor) as session:
        added = make_contract(session, tenants[0].actor, "ENG-NEW")
        mine = set(session.scalars(select(col(Membership.engagement_id))))
        assert mine == {tenants[0].engagement_id, added.engagement.id}
        seen = visible_engagements(session, tenants[0].actor)
        assert [one.engagement.reference for one in seen] == ["ENG-1", "ENG-NEW"]
        session.rollback()


def test_a_taken_reference_is_a_conflict_and_shows_no_more(
    module_engine: Engine, tenants: Tenants
) -> None:
    with (
        pytest.raises(Conflict, match="in use"),
        actor_scope(module_engine, tenants[0].actor) as session,
    ):
        make_contract(session, tenants[0].actor, "ENG-2")
    with actor_scope(module_engine, tenants[0].actor) as session:
        assert session.scalars(select(col(Engagement.reference))).all() == ["ENG-1"]


def test_a_failed_flush_leaves_no_door_open(mine: Session, tenants: Tenants) -> None:
    held = mine.scalars(select(ContractVersion)).first()
    assert held is not None
    twice = ContractVersion(**held.model_dump(exclude={"id"}))
    with pytest.raises(IntegrityError), mine.begin_nested():
        mine.add(twice)
    with pytest.raises(Unguarded):
        mine.execute(insert(table_of(Membership)).values(id=1))
    assert mine.scalars(select(col(Engagement.id))).all() == [tenants[0].engagement_id]


def test_an_actor_sees_the_memberships_of_the_day(module_engine: Engine, tenants: Tenants) -> None:
    one = tenants[0]
    with session_scope(module_engine) as session:
        stranger = actor_of(make_user(session))
        assert engagements_of(session, stranger) == frozenset()
        assert engagements_of(session, one.actor) == {one.engagement_id}
        with pytest.raises(Unbound):
            session.scalars(select(Membership))
        user = session.get_one(User, one.actor.signed_in_id)
        user.active = False
        session.flush()
        assert engagements_of(session, one.actor) == frozenset()
        session.rollback()


def test_what_was_read_beyond_tenancy_does_not_stay(mine: Session, tenants: Tenants) -> None:
    own, foreign = (one.engagement_id for one in tenants)
    kept = mine.get_one(Engagement, own)
    with beyond_tenancy(mine, "a test"):
        assert mine.get_one(Engagement, foreign).reference == "ENG-2"
    assert mine.get(Engagement, foreign) is None
    assert mine.get(Engagement, own) is kept


def test_nothing_is_written_beyond_tenancy(mine: Session, tenants: Tenants) -> None:
    with pytest.raises(ForeignRow), beyond_tenancy(mine, "a test"):
        mine.get_one(Engagement, tenants[1].engagement_id).title = "mine now"
    assert mine.get(Engagement, tenants[1].engagement_id) is None


def test_a_session_is_bound_once(mine: Session, tenants: Tenants) -> None:
    bind(mine, frozenset({tenants[0].engagement_id}))
    with pytest.raises(TenancyError):
        bind(mine, EVERYTHING)


def test_a_session_is_narrowed_but_never_widened(module_engine: Engine, tenants: Tenants) -> None:
    one, two = (tenant.engagement_id for tenant in tenants)
    with session_scope(module_engine, sees=frozenset({one, two})) as session:
        narrow(session, two)
        assert session.scalars(select(col(Engagement.id))).all() == [two]
        with pytest.raises(TenancyError):
            narrow(session, one)
    with session_scope(module_engine) as session, pytest.raises(TenancyError):
        narrow(session, one)


def test_a_row_that_left_its_session_is_not_refreshed(
    module_engine: Engine, mine: Session, tenants: Tenants
) -> None:
    row = _detached(module_engine, Engagement, tenants[1].engagement_id)
    mine.add(row)
    with pytest.raises(InvalidRequestError):
        mine.refresh(row)
    mine.expunge_all()
