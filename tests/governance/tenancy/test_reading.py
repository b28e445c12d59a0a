"""A session sees the rows of its engagements, and forgetting that is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import (
    CursorResult,
    Engine,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    union,
    update,
)
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from app.database import session_scope
from governance.access import Actor
from governance.audit.models import Action, AuditEntry
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.parties.models import Organisation, OrganisationKind, User
from governance.tables import Table
from governance.tenancy import (
    EVERYTHING,
    NO_ENGAGEMENT,
    Unbound,
    Unguarded,
)
from governance.tenancy.rules import (
    table_of,
)
from tests.factories import NOW
from tests.governance.tenancy.tenants import (
    TENANTS_CLASSES,
    Tenants,
    each_class,
    key_column,
)


@each_class
def test_the_tenants_of_these_tests_have_rows_of_every_class(
    tenants: Tenants, mapped: type[Table]
) -> None:
    for tenant in tenants:
        assert tenant.keys[mapped], f"fill {mapped.__name__} in tests/governance/tenants.py"


def _joined(mapped: type[Table]) -> Any:
    other = aliased(mapped)
    return select(key_column(other)).join(mapped, key_column(mapped) == key_column(other))


def _joined_to_the_alias(mapped: type[Table]) -> Any:
    other = aliased(mapped)
    return select(key_column(other)).select_from(User).join(other, literal(value=True)).distinct()


def _left_joined(mapped: type[Table]) -> Any:
    joined = select(key_column(mapped)).select_from(User)
    joined = joined.outerjoin(mapped, literal(value=True))
    return joined.where(key_column(mapped).is_not(None)).distinct()


def _aliased_subquery(mapped: type[Table]) -> Any:
    return select(key_column(aliased(mapped, select(mapped).subquery())))


def _by_exists(mapped: type[Table]) -> Any:
    other = aliased(mapped)
    return select(key_column(mapped)).where(exists().where(key_column(other) == key_column(mapped)))


def _from_common_table(mapped: type[Table]) -> Any:
    common = select(key_column(mapped).label("key")).cte("common")
    return select(common.c.key)


def _from_columns(mapped: type[Table]) -> Any:
    inner = select(key_column(mapped)).where(
        key_column(mapped) == key_column(other := aliased(mapped))
    )
    return select(inner.correlate(other).scalar_subquery()).select_from(other)


SHAPES: dict[str, Callable[[type[Table]], Any]] = {
    "alias": lambda mapped: select(key_column(aliased(mapped))),
    "aliased subquery": _aliased_subquery,
    "common table": _from_common_table,
    "column": lambda mapped: select(key_column(mapped)),
    "exists": _by_exists,
    "in subquery": lambda mapped: select(key_column(mapped)).where(
        key_column(mapped).in_(select(key_column(mapped)))
    ),
    "join": _joined,
    "join to an alias": _joined_to_the_alias,
    "left join": _left_joined,
    "ordered": lambda mapped: select(key_column(mapped)).order_by(key_column(mapped)).limit(999),
    "scalar subquery": _from_columns,
    "union": lambda mapped: union(select(key_column(mapped)), select(key_column(mapped))),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_selects_give_own_rows_and_no_others(mine: Session, tenants: Tenants, shape: str) -> None:
    for mapped in TENANTS_CLASSES:
        found = set(mine.execute(SHAPES[shape](mapped)).scalars())
        assert found == tenants[0].keys[mapped], mapped.__name__


@each_class
def test_rows_counts_and_extremes_are_ones_own(
    mine: Session, tenants: Tenants, mapped: type[Table]
) -> None:
    own, foreign = tenants[0].keys[mapped], tenants[1].keys[mapped]
    key = key_column(mapped)
    assert {getattr(row, key.key) for row in mine.scalars(select(mapped))} == own
    assert len(Session.query(mine, mapped).all()) == len(own)
    for counted in (
        select(func.count()).select_from(mapped),
        select(func.count(key)),
        select(func.count()).select_from(aliased(mapped)),
        select(func.count()).select_from(select(mapped).subquery()),
    ):
        assert mine.scalar(counted) == len(own)
    assert mine.scalar(select(func.max(key))) == max(own)
    assert mine.scalar(select(exists().where(key.in_(foreign)))) is False
    guess = select(literal(1)).where(key.in_(foreign))
    assert mine.scalars(guess).all() == []


@each_class
def test_foreign_rows_are_not_found_by_their_key(
    mine: Session, tenants: Tenants, mapped: type[Table]
) -> None:
    for key in tenants[1].keys[mapped]:
        assert mine.get(mapped, key) is None
    assert all(mine.get(mapped, key) is not None for key in tenants[0].keys[mapped])


@each_class
def test_foreign_rows_are_neither_updated_nor_deleted(
    mine: Session, tenants: Tenants, mapped: type[Table]
) -> None:
    key = key_column(mapped)
    chosen = key.in_(tenants[1].keys[mapped])
    for statement in (delete(mapped).where(chosen), update(mapped).where(chosen).values(id=key)):
        fetching = statement.execution_options(synchronize_session="fetch")
        result = cast("CursorResult[Any]", mine.execute(fetching))
        assert result.rowcount == 0, mapped.__name__


def test_own_rows_are_updated(mine: Session, tenants: Tenants) -> None:
    result = cast("CursorResult[Any]", mine.execute(update(Engagement).values(title="renamed")))
    assert result.rowcount == 1
    assert mine.get_one(Engagement, tenants[0].engagement_id).title == "renamed"


def test_a_session_that_sees_no_engagement_finds_nothing(
    module_engine: Engine, tenants: Tenants
) -> None:
    assert tenants[0].keys
    with session_scope(module_engine, sees=frozenset()) as session:
        for mapped in TENANTS_CLASSES:
            assert session.scalars(select(mapped)).all() == []


def test_entries_of_no_engagement_are_seen_only_where_that_is_said(module_engine: Engine) -> None:
    entry = Change(Action.USER_SIGNED_OUT, "user_account", 1, "Ada")
    with session_scope(module_engine) as session:
        uid = record(session, Actor(None, "somebody", NOW), entry).uid
    chosen = select(AuditEntry).where(col(AuditEntry.uid) == uid)
    for sees, found in ((frozenset({1}), 0), (frozenset({NO_ENGAGEMENT}), 1), (EVERYTHING, 1)):
        with session_scope(module_engine, sees=sees) as session:
            assert len(session.scalars(chosen).all()) == found
    with session_scope(module_engine, sees=frozenset({NO_ENGAGEMENT})) as session:
        kept = session.scalars(select(AuditEntry)).all()
    assert {one.engagement_id for one in kept} == {None}


# What can't be bound is refused.


def _cores(mapped: type[Table]) -> Iterator[Any]:
    table = table_of(mapped)
    key = table.c[key_column(mapped).key]
    yield select(table)
    yield select(func.count()).select_from(table)
    yield select(Organisation).where(exists(select(key)))
    yield select(Organisation).select_from(Organisation).join(table, literal(value=True))
    yield update(table).values(id=key)
    yield delete(table)
    yield insert(table).values(id=1)
    yield insert(mapped).values(id=1)
    yield text(f"SELECT * FROM {table.name}")  # noqa: S608 (a table's name)
    yield text(f'DELETE FROM "{table.name.upper()}" WHERE 1 = 0')  # noqa: S608 (the same)
    yield select(Organisation).where(text(f"EXISTS (SELECT 1 FROM {table.name})"))  # noqa: S608 (the same)


@each_class
def test_statements_without_the_mapped_class_are_refused(
    mine: Session, mapped: type[Table]
) -> None:
    for statement in _cores(mapped):
        with pytest.raises(Unguarded, match=table_of(mapped).name):
            mine.execute(statement)
    for raw in (mine.connection().execute, mine.execute):
        with pytest.raises(Unguarded):
            raw(select(table_of(mapped)))
    with pytest.raises(Unguarded):
        mine.connection().exec_driver_sql(f"SELECT * FROM {table_of(mapped).name}")  # noqa: S608 (a table's name)


def test_forms_in_which_the_orm_adds_no_criterion_are_refused(mine: Session) -> None:
    client = col(Engagement.client_id) == col(Organisation.id)
    for statement in (
        update(Organisation).values(name=col(Engagement.title)).where(client),
        select(Organisation, Engagement).join(Engagement, client, full=True),
        select(Organisation).join(table_of(Engagement), client),
    ):
        with pytest.raises(Unguarded, match="engagement"):
            mine.execute(statement)


@each_class
def test_an_unbound_session_touches_nothing_of_tenants(
    unbound: Session, tenants: Tenants, mapped: type[Table]
) -> None:
    key = key_column(mapped)
    for statement in (
        *_cores(mapped),
        *(shape(mapped) for shape in SHAPES.values()),
        select(mapped),
        select(func.count()).select_from(mapped),
        update(mapped).values(id=key),
        delete(mapped),
    ):
        with pytest.raises(Unbound, match=table_of(mapped).name):
            unbound.execute(statement)
    with pytest.raises(Unbound):
        unbound.connection().execute(select(table_of(mapped)))
    with pytest.raises(Unbound):
        unbound.get(mapped, next(iter(tenants[0].keys[mapped])))


def test_other_tables_need_no_binding(unbound: Session) -> None:
    assert unbound.scalars(select(User)).all()
    unbound.add(
        Organisation(
            kind=OrganisationKind.CLIENT, name="N", name_key="n", country="DE", created_at=NOW
        )
    )
    unbound.flush()
    assert unbound.execute(text("SELECT count(*) FROM organisation")).scalar_one()
