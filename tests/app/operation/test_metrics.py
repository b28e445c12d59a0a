"""Metrics: right figures, nobody's data, and only for operators."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import Engine

from app.asgi import create_app
from app.audit_log import key_folder, sequence
from app.database import make_engine, session_scope
from app.operation.metrics import Metrics
from app.settings import Settings
from governance.parties.models import OperatorTerm
from governance.tenancy import EVERYTHING
from tests.app.web.support import World, form_token, make_world
from tests.factories import NOW, PASSWORD, TextRenderer, make_actor, make_engagement

TOKEN = "t0ken-of-the-collector-4711"


def _samples(text: str) -> dict[str, float]:
    """By name and labels, as they stand on a line."""
    return {
        re.sub(r"\s+\S+$", "", line): float(line.split()[-1])
        for line in text.splitlines()
        if not line.startswith("#")
    }


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> World:
    """A world of the test's own."""
    return make_world(sqlite_template, tmp_path)


def test_requests_are_counted_by_pattern_not_by_path() -> None:
    metrics = Metrics(make_engine("sqlite://"))
    for _ in range(3):
        metrics.observe("GET", "/engagements/{reference}", 200, 0.02)
    other = Metrics(make_engine("sqlite://"))
    found = _samples(metrics.exposition().decode())
    labels = 'method="GET",route="/engagements/{reference}"'
    assert found[f'plumbline_requests_total{{{labels},status="200"}}'] == 3
    assert found[f'plumbline_request_seconds_bucket{{le="0.025",{labels}}}'] == 3
    assert "plumbline_requests_total{" not in other.exposition().decode()


def test_the_installations_figures(fresh_engine: Engine, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    metrics = Metrics(fresh_engine, lambda: NOW)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        make_engagement(session, make_actor(session))
    before = _samples(metrics.exposition().decode())
    assert before["plumbline_database_up"] == 1
    assert before["plumbline_audit_tree_size"] == 0
    pending = before["plumbline_audit_pending_entries"]
    assert pending > 0
    sequence(fresh_engine, key_folder(settings))
    after = _samples(metrics.exposition().decode())
    assert after["plumbline_audit_tree_size"] == pending
    assert after["plumbline_audit_pending_entries"] == 0
    assert after['plumbline_audit_entries_total{action="engagement:created"}'] == 1
    assert after["plumbline_audit_signed_timestamp_seconds"] > 0
    again = _samples(metrics.exposition().decode())
    assert again['plumbline_audit_entries_total{action="engagement:created"}'] == 1


def test_a_database_that_fails_is_a_metric_too(tmp_path: Path) -> None:
    metrics = Metrics(make_engine(f"sqlite:///{tmp_path / 'empty.db'}"))
    found = _samples(metrics.exposition().decode())
    assert found["plumbline_database_up"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_sign_ins_and_periods_are_seen(world: World) -> None:
    metrics: Metrics = world.app.state.metrics
    metrics.exposition()
    with world.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        for password in ("wrong wrong wrong", PASSWORD):
            form = {"csrf_token": token, "email": world.manager.email, "password": password}
            browser.post("/sign-in", data=form)
    sequence(world.engine, key_folder(world.settings))
    text = metrics.exposition().decode()
    found = _samples(text)
    assert found['plumbline_audit_entries_total{action="user:signed_in"}'] >= 1
    assert found['plumbline_audit_entries_total{action="user:sign_in_refused"}'] == 1
    assert found["plumbline_settled_periods"] == 1
    assert "plumbline_database_connections" in found
    assert world.manager.email not in text
    assert "ENG-1" not in text
    assert list(text_string_to_metric_families(text))


def test_only_operators_see_them(world: World) -> None:
    with world.browser() as browser:
        assert browser.get("/metrics").status_code == 404
        guess = {"Authorization": "Bearer "}
        assert browser.get("/metrics", headers=guess).status_code in {401, 404}
    with world.signed_in(world.auditor) as (browser, _):
        assert browser.get("/metrics").status_code == 404
    with session_scope(world.engine, sees=EVERYTHING) as session:
        session.add(OperatorTerm(user_id=world.stranger.id, granted_at=NOW))
        session.add(
            OperatorTerm(user_id=world.finance.id, granted_at=NOW, ends_on=NOW.date().replace(2020))
        )
    with world.signed_in(world.finance) as (browser, _):
        assert browser.get("/metrics").status_code == 404
    with world.signed_in(world.stranger) as (browser, _):
        answer = browser.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"


def test_the_collectors_token_opens_them(world: World) -> None:
    settings = world.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    app = create_app(settings, TextRenderer())
    collected = replace(world, app=app, settings=settings)
    with collected.browser() as browser:
        for sent, status in ((f"Bearer {TOKEN}", {200}), (f"Bearer {TOKEN}x", {401, 404})):
            answer = browser.get("/metrics", headers={"Authorization": sent})
            assert answer.status_code in status
        assert browser.get(
            "/engagements", headers={"Authorization": f"Bearer {TOKEN}"}
        ).status_code in {303, 401}
