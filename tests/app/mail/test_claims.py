"""Reminders of credits to be claimed, and lapses, with a clock that the test turns."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlmodel import col

from app.database import session_scope
from app.mail.claims import Report, remind_and_lapse
from app.mail.models import OutboxMail
from app.security.sealing import unseal
from app.settings import Settings
from governance.access import Role
from governance.audit.models import Action, AuditEntry
from governance.tenancy import EVERYTHING
from sla.claims.service import claim_credit
from tests.billing.settlement.claims import claim_contract, make_scene
from tests.factories import FEBRUARY, JANUARY, make_member


def _settings(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, public_url="http://localhost", **more)  # type: ignore[arg-type]  # settings are checked when they are made


def _at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def settled(fresh_engine: Engine, tmp_path: Path) -> Engine:
    """January and February are settled; they can be claimed until 1 and 29 April."""
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        scene = make_scene(session, tmp_path)
        make_member(session, scene.engagement, Role.CLIENT_FINANCE)
        scene.settle(JANUARY)
    return fresh_engine


def _mails(engine: Engine) -> list[OutboxMail]:
    with session_scope(engine, read_only=True) as session:
        found = select(OutboxMail).where(col(OutboxMail.idempotency_key).like("claim %"))
        return list(session.scalars(found.order_by(col(OutboxMail.id))))


def _tick(engine: Engine, folder: Path, at: datetime, **more: object) -> tuple[int, int]:
    report: Report = remind_and_lapse(engine, _settings(folder, **more), at)
    return report.reminded, report.lapsed


def test_everyone_who_may_claim_is_reminded_once_at_each_of_the_days(
    settled: Engine, tmp_path: Path
) -> None:
    # The client's committee, the chair who accepted the contract, and the client's finance.
    assert _tick(settled, tmp_path, _at(3, 17)) == (0, 0)
    assert _tick(settled, tmp_path, _at(3, 18)) == (3, 0)
    assert _tick(settled, tmp_path, _at(3, 18)) == (0, 0)
    assert _tick(settled, tmp_path, _at(3, 24)) == (0, 0)
    assert _tick(settled, tmp_path, _at(3, 25)) == (3, 0)
    assert _tick(settled, tmp_path, _at(3, 31)) == (3, 0)
    assert _tick(settled, tmp_path, _at(4, 1)) == (0, 0)
    recipients = {mail.recipient for mail in _mails(settled)}
    assert len(recipients) == 3


def test_days_that_nothing_ran_on_are_made_good_by_one_mail(
    settled: Engine, tmp_path: Path
) -> None:
    assert _tick(settled, tmp_path, _at(3, 28)) == (3, 0)
    assert {mail.idempotency_key.split()[3] for mail in _mails(settled)} == {"7"}


def test_the_day_is_that_of_the_engagement(settled: Engine, tmp_path: Path) -> None:
    # 17 March 23:00 UTC is 18 March in Berlin.
    assert _tick(settled, tmp_path, _at(3, 17, 22)) == (0, 0)
    assert _tick(settled, tmp_path, _at(3, 17, 23)) == (3, 0)


def test_the_mail_names_the_day_and_no_figure(settled: Engine, tmp_path: Path) -> None:
    _tick(settled, tmp_path, _at(3, 25))
    mail = _mails(settled)[0]
    assert mail.body_sealed is not None
    text = json.loads(unseal(_settings(tmp_path).secret(), "mail", mail.body_sealed))["text"]
    assert "January 2026" in mail.subject
    assert "in 7 days" in text
    assert "http://localhost/engagements/ENG-1/credits" in text
    assert "EUR" not in text


def test_nobody_is_reminded_of_what_is_claimed_and_it_never_lapses(
    settled: Engine, tmp_path: Path
) -> None:
    with session_scope(settled, sees=EVERYTHING) as session:
        scene = make_scene(session, tmp_path / "more", claim_contract("ENG-3"))
        scene.settle(JANUARY)
        claim_credit(session, scene.client, scene.engagement, JANUARY)
        claim_credit(session, scene.client, scene.engagement, FEBRUARY)
    assert _tick(settled, tmp_path, _at(3, 18)) == (3, 0)
    assert _tick(settled, tmp_path, _at(4, 2))[1] == 1


def test_a_credit_lapses_once_the_day_after_the_last(settled: Engine, tmp_path: Path) -> None:
    never: dict[str, object] = {"claim_reminder_days": []}
    assert _tick(settled, tmp_path, _at(4, 1, 21), **never) == (0, 0)
    assert _tick(settled, tmp_path, _at(4, 1, 23), **never) == (0, 1)
    assert _tick(settled, tmp_path, _at(4, 2), **never) == (0, 0)
    with session_scope(settled, sees=EVERYTHING, read_only=True) as session:
        lapsed = select(AuditEntry).where(col(AuditEntry.action) == Action.CREDIT_LAPSED)
        (entry,) = session.scalars(lapsed).all()
    assert entry.subject_label == "ENG-1 2026-01"
    assert entry.actor_id is None


def test_engagements_without_a_window_are_left_alone(fresh_engine: Engine, tmp_path: Path) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        make_scene(session, tmp_path, claim_contract(within=None)).settle(JANUARY)
    assert _tick(fresh_engine, tmp_path, _at(9, 1)) == (0, 0)
