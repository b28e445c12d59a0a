"""Sessions of two tenants in one database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.database import session_scope
from governance.tenancy import bind
from tests.governance.tenancy.tenants import Tenants, make_tenants


@pytest.fixture(scope="module")
def tenants(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    """Two tenants with rows in every table."""
    return make_tenants(module_engine, tmp_path_factory.mktemp("tenants"))


@pytest.fixture
def mine(module_engine: Engine, tenants: Tenants) -> Iterator[Session]:
    """A session that sees the first tenant; its changes are rolled back."""
    yield from _rolled_back(module_engine, frozenset({tenants[0].engagement_id}))


@pytest.fixture
def unbound(module_engine: Engine, tenants: Tenants) -> Iterator[Session]:  # noqa: ARG001 (fills the tables)
    """A session that nobody has bound; its changes are rolled back."""
    yield from _rolled_back(module_engine, None)


def _rolled_back(engine: Engine, sees: frozenset[int | None] | None) -> Iterator[Session]:
    with session_scope(engine) as session:
        if sees is not None:
            bind(session, sees)
        yield session
        session.rollback()
