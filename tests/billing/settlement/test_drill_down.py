"""Stored figures open to the ledger rows that they were computed from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import Session

from billing.settlement import service
from billing.settlement.drill_down import Page, drill_down_measurement, drill_down_quantity
from billing.settlement.service import settle_period
from governance.errors import Conflict, NotFound
from sla.evidence.service import Upload, hand_in
from sla.kpis.models import KpiDefinitionText
from tests.factories import (
    INVOICES,
    JANUARY,
    make_actor,
    make_engagement,
    make_evidence,
    make_workshop,
    write_evidence_folder,
)


def test_figures_open_to_their_own_evidence_after_a_correction(
    session: Session, tmp_path: Path
) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    fewer = write_evidence_folder(
        tmp_path / "fewer", invoices=INVOICES.replace("I-2,C-1,2026-01-10", "I-2,C-1,2025-12-10")
    )
    hand_in(session, actor, engagement, Upload(fewer, "fewer"), workshop.store)
    found = drill_down_quantity(
        session, actor, engagement, JANUARY, "invoices_issued", workshop=workshop
    )
    assert found.total == 3
    page = drill_down_measurement(
        session, actor, engagement, JANUARY, "SL-01", workshop=workshop, page=Page(1, 1)
    )
    assert (page.total, len(page.rows)) == (3, 1)


def test_a_changed_definition_does_not_close_an_old_figure(
    session: Session, tmp_path: Path
) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    assert session.scalars(select(KpiDefinitionText)).all()
    before = drill_down_measurement(session, actor, engagement, JANUARY, "SL-01", workshop=workshop)
    gone = replace(workshop, catalogue={})
    changed = replace(
        workshop,
        catalogue={
            name: replace(one, sha256="0" * 64, drill_down_sql="SELECT 1 AS numerator")
            for name, one in workshop.catalogue.items()
        },
    )
    for other in (gone, changed):
        after = drill_down_measurement(session, actor, engagement, JANUARY, "SL-01", workshop=other)
        assert after == before


def test_a_figure_from_before_definitions_were_kept_says_so(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    monkeypatch.setattr(service, "keep_used", lambda *_: None)
    settle_period(session, actor, engagement, JANUARY, workshop)
    without = replace(workshop, catalogue={})
    with pytest.raises(Conflict, match="changed since this was measured, and its text wasn't kept"):
        drill_down_measurement(session, actor, engagement, JANUARY, "SL-01", workshop=without)


def test_quantities_that_are_not_there(session: Session, tmp_path: Path) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    with pytest.raises(NotFound):
        drill_down_quantity(session, actor, engagement, JANUARY, "fines", workshop=workshop)
    with pytest.raises(NotFound):
        drill_down_quantity(
            session, make_actor(session), engagement, JANUARY, "invoices_issued", workshop=workshop
        )
