"""`plumbline claims`, as typed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.database import make_engine, migrate, session_scope
from app.settings import load_settings
from governance.tenancy import EVERYTHING
from governance.values import Period
from tests.billing.settlement.claims import claim_contract, make_scene
from tests.factories import JANUARY


def test_lapses_and_reminders_are_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PLUMBLINE_DATABASE_URL", "")
    engine = make_engine(load_settings())
    migrate(engine)
    with session_scope(engine, sees=EVERYTHING) as session:
        # January's window is long over, on whatever day this runs after it.
        make_scene(session, tmp_path, claim_contract(within=1)).settle(JANUARY)
    engine.dispose()
    assert datetime.now(UTC).date() > Period.month(2026, 2).end
    first, second = (CliRunner().invoke(main, ["claims", "remind"]).output for _ in range(2))
    assert "1 credits lapsed" in first
    assert "0 reminders queued, 0 credits lapsed." in second
