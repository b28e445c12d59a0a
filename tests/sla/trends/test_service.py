"""Trends kept for an engagement, on both databases."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.errors import BadInput, Forbidden
from sla.evidence.service import Upload, hand_in
from sla.trends.models import TrendReport
from sla.trends.service import is_up_to_date, latest_trends, update_trends
from tests.factories import (
    INVOICES,
    NOW,
    make_actor,
    make_engagement,
    make_evidence,
    make_member,
    make_workshop,
    write_evidence_folder,
)


def _update(session: Session, actor: Actor, engagement: Engagement, folder: Path) -> TrendReport:
    shop = make_workshop(folder)
    return update_trends(session, actor, engagement, shop.store, shop.catalogue)


def test_kept_until_something_changes(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    report = _update(session, actor, engagement, tmp_path)
    assert report.as_of == date(2026, 2, 10)
    assert [one.service_level for one in report.trends.levels] == ["SL-01"]
    assert json.loads(report.document)["as_of"] == "2026-02-10"
    assert latest_trends(session, engagement) is report
    assert is_up_to_date(session, engagement, report, NOW)
    assert _update(session, actor, engagement, tmp_path) is report

    later = INVOICES + "I-5,C-2,2026-02-20,2026-03-20,EUR,50.00\n"
    source = write_evidence_folder(tmp_path / "later", invoices=later)
    hand_in(session, actor, engagement, Upload(source, "later"), tmp_path / "store")
    assert not is_up_to_date(session, engagement, report, NOW)
    newer = _update(session, actor, engagement, tmp_path)
    assert (newer.id, newer.as_of) > (report.id, report.as_of)


def test_nothing_to_look_back_on(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    with pytest.raises(BadInput, match="nothing to look back on yet"):
        _update(session, actor, engagement, tmp_path)
    assert latest_trends(session, engagement) is None


def test_rows_that_have_not_happened_yet_are_no_evidence(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    future = "invoice_id,customer_id,issue_date,due_date,currency,amount\n"
    future += "I-9,C-1,2027-01-05,2027-01-20,EUR,100.00\n"
    (tmp_path / "invoices.csv").write_text(future, encoding="utf-8")
    upload = Upload(tmp_path / "invoices.csv", "invoices.csv")
    hand_in(session, actor, engagement, upload, tmp_path / "store")
    with pytest.raises(BadInput, match="has happened yet"):
        _update(session, actor, engagement, tmp_path)


def test_an_auditor_only_reads(session: Session, tmp_path: Path) -> None:
    actor = make_actor(session)
    engagement = make_engagement(session, actor)
    make_evidence(session, actor, engagement, tmp_path)
    with pytest.raises(Forbidden):
        _update(session, make_member(session, engagement, Role.AUDITOR), engagement, tmp_path)
