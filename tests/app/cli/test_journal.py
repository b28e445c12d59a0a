"""`plumbline journal` on an installation."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlmodel import col

from app.cli import main
from app.database import session_scope
from billing.payments.recording import NewPayment, record_payment
from governance.access import Role
from governance.audit.models import Action, AuditEntry
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, make_world
from tests.factories import NOW, make_member


@pytest.fixture(name="world")
def installation(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    return make_world(sqlite_template, tmp_path)


def _journal(out: Path, *more: str) -> Result:
    months = ("--from", "2026-01", "--to", "2026-03", "--out", str(out))
    return CliRunner().invoke(main, ["journal", *months, *more])


def test_it_writes_the_file_and_the_log_says_so(world: World, tmp_path: Path) -> None:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        finance = make_member(session, engagement, Role.PROVIDER_FINANCE)
        record_payment(session, finance, engagement, NewPayment(NOW.date(), "EUR", 100))
    out = tmp_path / "out.journal"
    answer = _journal(out, "--engagement", "ENG-1", "--format", "hledger")
    assert answer.exit_code == 0, answer.output
    assert ", EUR" in answer.output
    assert "assets:bank  EUR 1.00  ; reference:PAY-1" in out.read_text(encoding="utf-8")
    with session_scope(world.engine, sees=EVERYTHING, read_only=True) as session:
        (noted,) = session.scalars(
            select(AuditEntry).where(col(AuditEntry.action) == Action.DOCUMENT_EXPORTED)
        )
        assert noted.subject_label == "Journal of ENG-1, 2026-01 to 2026-03, provider's books"


def test_what_is_not_there_is_said(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    answer = _journal(out, "--engagement", "ENG-9")
    assert answer.exit_code == 2
    assert "there is no such engagement" in answer.output
    assert not out.exists()
    assert world.manager.id
