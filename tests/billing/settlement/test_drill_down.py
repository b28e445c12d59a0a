"""Stored figures open to the ledger rows that they were computed from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session

from billing.settlement.drill_down import Page, drill_down_measurement, drill_down_quantity
from billing.settlement.service import settle_period
from governance.errors import Conflict, NotFound
from sla.evidence.service import Upload, hand_in
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


def test_what_was_measured_by_another_definition_does_not_open(
    session: Session, tmp_path: Path
) -> None:
    actor, workshop = make_actor(session), make_workshop(tmp_path)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    settle_period(session, actor, engagement, JANUARY, workshop)
    without = replace(workshop, catalogue={})
    with pytest.raises(Conflict, match="changed"):
        drill_down_measurement(session, actor, engagement, JANUARY, "SL-01", workshop=without)
    with pytest.raises(NotFound):
        drill_down_quantity(session, actor, engagement, JANUARY, "fines", workshop=workshop)
    with pytest.raises(NotFound):
        drill_down_quantity(
            session, make_actor(session), engagement, JANUARY, "invoices_issued", workshop=workshop
        )
