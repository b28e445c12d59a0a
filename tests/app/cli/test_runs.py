"""`plumbline bill` on an installation of its own, and `plumbline worker`."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlmodel import col

from app.cli import main, runs
from app.database import make_engine, session_scope
from app.evidence_store import store_of
from app.running import Worker
from app.settings import load_settings
from billing.settlement.service import Workshop
from governance.audit.models import Action, AuditEntry
from governance.tenancy import EVERYTHING
from sla.kpis.catalogue import load_catalogue
from tests.billing.runs.billed import make_billed
from tests.factories import TextRenderer


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def email(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of who bills the one checked invoice of an installation."""
    folder = tmp_path / "var"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "plumbline.db")
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(folder))
    monkeypatch.setenv("PLUMBLINE_EVIDENCE_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(runs, "PdfRenderer", lambda _: TextRenderer())
    settings = load_settings()
    workshop = Workshop(store_of(settings), load_catalogue(), TextRenderer())
    engine = make_engine(settings)
    with session_scope(engine, sees=EVERYTHING) as session:
        starter = make_billed(session, tmp_path, workshop, [1]).starter
    engine.dispose()
    return starter.email


def test_reports_are_written_into_one_archive(email: str, tmp_path: Path) -> None:
    out = tmp_path / "reports.zip"
    ran = _run("packs", "--period", "2026-01", "--as", email, "--out", str(out))
    assert ran.exit_code == 0, ran.output
    assert ran.output == "Reports collected: 1 of 1\nRun 1 is done.\n"
    with ZipFile(out) as archive:
        assert archive.namelist() == ["ENG-1-2026-01-pack.pdf"]
    engine = make_engine(load_settings())
    with session_scope(engine, sees=EVERYTHING, read_only=True) as session:
        left = session.scalars(
            select(col(AuditEntry.subject_label)).where(
                col(AuditEntry.action) == Action.DOCUMENT_EXPORTED
            )
        ).all()
    engine.dispose()
    assert left == ["ENG-1-2026-01-pack.pdf"]


def test_hand_ins_need_a_drop_folder(
    email: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("imports", "--as", email)
    assert "PLUMBLINE_DROP_DIR" in _run(*asked).output
    monkeypatch.setenv("PLUMBLINE_DROP_DIR", str(tmp_path / "drop"))
    refused = _run(*asked)
    assert "no engagement that this run could work on" in refused.output, "finance hands in nothing"


def test_a_month_is_billed_once(email: str) -> None:
    asked = ("bill", "--period", "2026-01", "--as", email)
    preview = _run(*asked, "--preview")
    assert "Invoices that would be issued: 1. EUR" in preview.output
    (line,) = json.loads(_run(*asked, "--preview", "--json").output)
    assert (line["engagement"], line["readiness"]) == ("ENG-1", "approve")
    billed = _run(*asked)
    assert billed.exit_code == 0, billed.output
    assert "Invoices issued: 1 of 1\nPDFs made: 1 of 1\n" in billed.output
    assert "Run 1 is done" in billed.output
    again = _run(*asked)
    assert again.exit_code == 5
    assert "no invoice of 2026-01 is ready to be issued" in again.output


def test_who_bills_for_nobody_is_told(email: str) -> None:
    nobody = _run("bill", "--period", "2026-01", "--as", email, "--provider", "Others Ltd")
    assert nobody.exit_code == 2
    assert "Clearwater Receivables Ltd" in nobody.output
    assert _run("bill", "--period", "2026-01", "--as", "x@example.org").exit_code == 4


def test_a_worker_works_until_it_is_stopped(email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Worker] = []

    def look(worker: Worker) -> bool:
        looked.append(worker)
        worker.stop.set()
        return False

    monkeypatch.setattr(Worker, "work_waiting", look)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert email
    assert _run("worker").exit_code == 0
    assert len(looked) == 1
