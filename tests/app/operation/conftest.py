"""Whole installations on each database, which a drill may destroy."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.settings import Settings
from tests.app.operation.installations import Installation, install


@pytest.fixture
def installation(
    fresh_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """An installation with a settled month; commands find it through the environment."""
    return _installed(fresh_engine, tmp_path, monkeypatch)


@pytest.fixture
def postgresql_installation(
    postgresql_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """The same, on PostgreSQL only."""
    return _installed(postgresql_engine, tmp_path, monkeypatch)


def _installed(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    settings = Settings(
        data_dir=folder,
        database_url=engine.url.render_as_string(hide_password=False),
        audit_key_dir=folder.with_name(f"{folder.name}-keys"),
        postgresql_bin=_programs(engine),
    )
    for name in ("data_dir", "database_url", "audit_key_dir", "postgresql_bin"):
        monkeypatch.setenv(f"PLUMBLINE_{name.upper()}", str(getattr(settings, name) or ""))
    return install(engine, settings, folder)


def _programs(engine: Engine) -> Path | None:
    """The client programs that belong to the tests' server."""
    if engine.dialect.name == "sqlite":
        return None
    with engine.connect() as connection:
        found = connection.execute(text("SELECT setting FROM pg_config WHERE name = 'BINDIR'"))
        return Path(found.scalar_one())
