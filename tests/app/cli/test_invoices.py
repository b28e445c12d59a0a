"""`plumbline invoices` on an installation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.database import session_scope
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, make_world
from tests.billing.payments.scenes import make_invoice


@pytest.fixture(name="world")
def installation(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    world = make_world(sqlite_template, tmp_path)
    with session_scope(world.engine, sees=EVERYTHING) as session:
        make_invoice(session, session.get_one(Engagement, 1), 2, 119_000)
    return world


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["invoices", *arguments])


@pytest.mark.usefixtures("world")
def test_ageing_and_statement_come_to_the_same() -> None:
    (aged,) = json.loads(_run("ageing", "--engagement", "ENG-1", "--on", "2026-03-20").stdout)
    assert aged["buckets"]["1-30"] == aged["balance"] == "1190.00"
    span = ("--from", "2026-01-01", "--to", "2026-03-20", "--side", "client")
    (made,) = json.loads(_run("statement", "--engagement", "ENG-1", *span).stdout)
    assert (made["opening"], made["closing"]) == ("0.00", "1190.00")
    assert [one["kind"] for one in made["movements"]] == ["invoice"]


@pytest.mark.usefixtures("world")
def test_what_makes_no_sense_is_said() -> None:
    assert "no such engagement" in _run("ageing", "--engagement", "ENG-9").stderr
    assert "not a day" in _run("ageing", "--engagement", "ENG-1", "--on", "x").stderr
    assert "yet to come" in _run("statement", "--engagement", "ENG-1", "--to", "2999-01-01").stderr
