"""Which engagements a session sees, and that it touches no others.

A session carries what it sees in its `info`: a set of engagement ids, or EVERYTHING. One that
carries nothing can't touch a tenant's table at all, so that no query can forget its tenant:

- every ORM statement gets a criterion for each tenant's table that it names;
- every statement is read once more as it leaves, and refused where a tenant's table in it has no
  criterion (`statements`): Core statements, text, and forms that the ORM adds none to;
- every row that a flush writes must belong to an engagement that the session sees.

This guards against code that forgets, not against code that means to get around it, and not
against those who reach the database by other ways than a session.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast
from weakref import WeakKeyDictionary, ref

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    bindparam,
    event,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.util import AliasedInsp, LoaderCriteriaOption
from sqlalchemy.sql import visitors

from governance.tables import Table
from governance.tenancy.rules import (
    NoTenant,
    Own,
    Rule,
    TenancyError,
    Through,
    declared_rule,
    key_of,
    rule_of,
    table_of,
)
from governance.tenancy.statements import PARAMETER, unguarded


class Everything(Enum):
    """Has one member."""

    EVERYTHING = "everything"


EVERYTHING: Final = Everything.EVERYTHING
"""What system work sees: the command line, the sequencer, migrations, the demo, tests."""
NO_ENGAGEMENT: Final = None
"""In a set of ids: rows that belong to no engagement, such as log entries on user accounts."""
Sees: TypeAlias = frozenset[int | None] | Everything
_SEES = "sees"
_BEYOND = "beyond_tenancy"
_FLUSHING = "writes_checked_rows"
_ENGAGEMENTS = "engagement"
_SESSIONS: WeakKeyDictionary[Connection, ref[Session]] = WeakKeyDictionary()
"""Whose statements a connection carries at the moment."""


class Unbound(TenancyError):
    """The session doesn't say what it may see."""


class Unguarded(TenancyError):
    """A statement touches a tenant's table without a criterion."""


class ForeignRow(TenancyError):
    """A row of an engagement that the session doesn't see would be written."""


def seeing(sees: Sees) -> dict[Any, Any]:
    """`info` of a session that sees so much from its start."""
    return {_SEES: sees}


def bind(session: Session, sees: Sees) -> None:
    """State, once and for the whole session, what it sees.

    Raises TenancyError where the session sees something else already.
    """
    if session.info.setdefault(_SEES, sees) != sees:
        raise TenancyError("a session can't see other engagements than it was opened for")


def narrow(session: Session, engagement_id: int) -> None:
    """From now on the session sees this one engagement only, as a page of it needs no other.

    Raises TenancyError where it doesn't see even that.
    """
    sees = session.info.get(_SEES)
    if sees is not EVERYTHING and engagement_id not in (sees or frozenset()):
        raise TenancyError("a session can't be narrowed to an engagement that it doesn't see")
    session.info[_SEES] = frozenset({engagement_id})


def seen_by(session: Session) -> Sees | None:
    """What the session sees; None where nobody has said it."""
    sees: Sees | None = EVERYTHING if _BEYOND in session.info else session.info.get(_SEES)
    return sees


@contextmanager
def beyond_tenancy(session: Session, why: str) -> Iterator[None]:
    """Read across all engagements, as only what decides on visibility may; nothing is written.

    `why` is for those who read the code. What was loaded meanwhile leaves the session again.
    """
    session.flush()
    known = list(session)
    session.info[_BEYOND] = why
    try:
        yield
        session.flush()
    finally:
        del session.info[_BEYOND]
        ids = {id(row) for row in known}
        for row in list(session):
            if id(row) not in ids and not isinstance(declared_rule(type(row)), NoTenant):
                session.expunge(row)


# Every statement of the ORM gets its criteria.


def _add_criteria(state: ORMExecuteState) -> None:
    sees = seen_by(state.session)
    if sees is None or sees is EVERYTHING:
        return  # With nothing, the check of the text refuses whatever names a tenant's table.
    entities = _entities(state.statement)
    if state.is_column_load:
        # The ORM leaves criteria out where it loads a row's columns anew.
        load = cast("Select[Any]", state.statement)
        state.statement = load.where(*_criteria_of_load(entities, sees))
        return
    options = [option for one in entities if (option := _option(one, sees)) is not None]
    if options:
        state.statement = state.statement.options(*options)


def _entities(statement: Any) -> set[Mapper[Any] | AliasedInsp[Any]]:
    """The mapped classes, and the aliases of them, that a statement names anywhere."""
    named = (element._annotations.get("parententity") for element in visitors.iterate(statement))  # noqa: SLF001 (the ORM's own mark; what it misses is refused later)
    return {one for one in named if one is not None}


def _criteria_of_load(
    entities: Collection[Mapper[Any] | AliasedInsp[Any]], sees: frozenset[int | None]
) -> Iterator[ColumnElement[bool]]:
    for one in entities:
        rule = rule_of(one.mapper.class_)
        if not isinstance(rule, NoTenant):
            yield _criterion(one.entity, rule, sees)


def _option(
    entity: Mapper[Any] | AliasedInsp[Any], sees: frozenset[int | None]
) -> LoaderCriteriaOption | None:
    rule = rule_of(entity.mapper.class_)
    if isinstance(rule, NoTenant):
        return None
    if isinstance(entity, Mapper):
        return _option_of_class(entity, sees)
    return _criteria(entity.entity, rule, sees)


@lru_cache(maxsize=4096)
def _option_of_class(mapper: Mapper[Any], sees: frozenset[int | None]) -> LoaderCriteriaOption:
    return _criteria(mapper.class_, rule_of(mapper.class_), sees)


def _criteria(entity: Any, rule: Rule, sees: frozenset[int | None]) -> LoaderCriteriaOption:
    # Aliases have options of their own: the option of a class, applied to an alias in a join,
    # would hold back the rows of the class in place of the alias.
    criterion = _criterion(entity, rule, sees)
    return with_loader_criteria(entity, criterion, propagate_to_loaders=False)


def _criterion(row: Any, rule: Rule, sees: frozenset[int | None]) -> ColumnElement[bool]:
    """That a row belongs to an engagement that is seen; `row` is a class, an alias or columns."""
    match rule:
        case Own(column):
            named: ColumnElement[Any] = getattr(row, column)
            ids = sorted(one for one in sees if one is not None)
            visible = named.in_(bindparam(PARAMETER, ids, expanding=True, unique=True))
            return or_(visible, named.is_(None)) if NO_ENGAGEMENT in sees else visible
        case Through(column, parent):
            parents = table_of(parent).c
            inner = select(parents[key_of(parent)]).where(
                _criterion(parents, rule_of(parent), sees)
            )
            refers: ColumnElement[Any] = getattr(row, column)
            return refers.in_(inner.correlate(None))
        case NoTenant():
            raise TenancyError("a table that belongs to no engagement has no criterion")


# Every statement is read once more before it leaves.


def _note_connection(session: Session, _transaction: Any, connection: Connection) -> None:
    _SESSIONS[connection] = ref(session)


def _check_statement(*, conn: Connection, statement: str, context: Any, **_: Any) -> None:
    holder = _SESSIONS.get(conn)
    session = holder() if holder is not None else None
    if session is None or (sees := seen_by(session)) is EVERYTHING:
        return
    compiled = getattr(context, "compiled", None)
    # Parameters of sets are known by name only before they are written out.
    sql = compiled.string if compiled is not None else statement
    bare = unguarded(sql, writes_checked_rows=bool(session.info.get(_FLUSHING)))
    if bare:
        _refuse(sees, ", ".join(sorted(bare)))


def _refuse(sees: Sees | None, tables: str) -> None:
    if sees is None:
        raise Unbound(
            f"this session touches {tables} but doesn't say which engagements it sees: open it"
            " with session_scope(engine, sees=…), or for a person with actor_scope(…)"
        )
    raise Unguarded(
        f"this statement touches {tables} with no criterion of the engagements that the session"
        " sees: name the mapped classes in a plain SELECT, UPDATE or DELETE, without Core tables,"
        " text, full joins or a second table to write from; add rows with session.add"
    )


# Every row that is written must belong to an engagement that the session sees.


def _check_rows(session: Session, _context: Any, _instances: Any) -> None:
    sees = seen_by(session)
    if sees is not EVERYTHING or _BEYOND in session.info:
        _RowCheck(session, sees).check()
    session.info[_FLUSHING] = True


class _RowCheck:
    """Collects the rows that others belong through, and looks them up together."""

    def __init__(self, session: Session, sees: Sees | None) -> None:
        self._session, self._sees = session, sees
        self._parents: dict[type[Table], set[Any]] = {}

    def check(self) -> None:
        """ForeignRow or Unbound where a row may not be written."""
        session = self._session
        for row in session.new:
            self._check(row, new=True)
        for row in (*session.dirty, *session.deleted):
            self._check(row, new=False)
        for parent, keys in self._parents.items():
            self._check_parents(parent, keys)

    def _check(self, row: Any, *, new: bool) -> None:
        match rule_of(type(row)):
            case Own(column):
                for one in _values(row, column):
                    self._check_engagement(row, one, new=new)
            case Through(column, parent):
                self._require(self._sees is not None, row)
                self._parents.setdefault(parent, set()).update(_values(row, column))
            case NoTenant():
                pass

    def _check_engagement(self, row: Any, engagement_id: int | None, *, new: bool) -> None:
        opens = new and table_of(type(row)).name == _ENGAGEMENTS
        if opens:
            self._require(self._sees is not None, row)
        elif engagement_id is not None or not new:
            # A new row of no engagement, such as the log's entry of a sign-in, shows nothing.
            seen = isinstance(self._sees, frozenset) and engagement_id in self._sees
            self._require(seen, row)

    def _check_parents(self, parent: type[Table], keys: set[Any]) -> None:
        session = self._session
        own_keys = {getattr(row, key_of(parent)) for row in session.new if isinstance(row, parent)}
        held = {key for key in keys if session.identity_key(parent, key) in session.identity_map}
        if asked := keys - own_keys - held - {None}:
            key = getattr(parent, key_of(parent))
            with session.no_autoflush:
                found = set(session.scalars(select(key).where(key.in_(asked))))
            self._require(found == asked, parent)

    def _require(self, seen: bool, row: object) -> None:
        name = row.__name__ if isinstance(row, type) else type(row).__name__
        if _BEYOND in self._session.info:
            raise ForeignRow(f"a {name} would be written while reading across engagements")
        if self._sees is None:
            _refuse(None, name)
        if not seen:
            raise ForeignRow(f"a row at {name} is of an engagement that this session doesn't see")


def _values(row: Any, column: str) -> Collection[Any]:
    """The value of a column, and the one it had before it changed."""
    history = inspect(row).attrs[column].history
    return {getattr(row, column), *history.deleted}


def _after_flush(session: Session, _context: Any) -> None:
    session.info.pop(_FLUSHING, None)
    opened = {
        getattr(row, key_of(type(row)))
        for row in session.new
        if table_of(type(row)).name == _ENGAGEMENTS
    }
    sees = session.info.get(_SEES)
    if opened and isinstance(sees, frozenset):
        session.info[_SEES] = sees | opened  # Who opens an engagement sees it.


def _after_rollback(session: Session, _previous: Any) -> None:
    session.info.pop(_FLUSHING, None)


_LISTENERS: Mapping[str, Any] = {
    "do_orm_execute": _add_criteria,
    "after_begin": _note_connection,
    "before_flush": _check_rows,
    "after_flush": _after_flush,
    "after_soft_rollback": _after_rollback,
}
for _name, _listener in _LISTENERS.items():
    event.listen(Session, _name, _listener)
event.listen(Engine, "before_cursor_execute", _check_statement, named=True)
