"""Runs in the browser: previewed, started, paused, worked on and looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.database import session_scope
from app.running import Worker
from governance.audit.exports import KIND
from governance.audit.service import entries_of
from governance.tenancy import EVERYTHING
from tests.app.web.support import Browser, World, make_world
from tests.governance.runs.pools import InProcess

_NEW = {"kind": "drafts", "month": "2026-02", "engagement": "1"}


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> World:
    """The world, of the test's own."""
    return make_world(sqlite_template, tmp_path)


def _post(browser: Browser, token: str, path: str, **form: str) -> str:
    """Send a form; answers where it leads to."""
    answer = browser.post(path, data={"csrf_token": token} | form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def _work(world: World) -> None:
    state = world.app.state
    worker = Worker(state.engine, state.runs, InProcess(1), now=lambda: datetime.now(UTC))
    assert worker.work_waiting()


def test_a_month_is_previewed_and_its_drafts_are_prepared(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        assert "No run yet" in browser.get("/runs").text
        before = world.counts()
        settled = browser.get("/runs/new?month=2026-01").text
        assert "You settled this period; another person has to issue its invoice" in settled
        unsettled = browser.get("/runs/new?month=2026-02&threshold=5").text
        assert "Settle the 1 that nobody has settled" in unsettled
        assert world.counts() == before, "a preview changes nothing"
        here = _post(browser, token, "/runs", **_NEW)
        assert "Waiting for a worker" in browser.get(here).text
        assert "An unfinished run has it before it" not in browser.get(here).text
        _post(browser, token, f"{here}/pause")
        assert "Resume" in browser.get(here).text
        _post(browser, token, f"{here}/resume")
        _work(world)
        page = browser.get(here, headers={"HX-Request": "true"}).text
        assert page.lstrip().startswith('<div id="run"')
        assert "1 of 1 steps" in page
        assert "Nothing was set aside" in page
        assert "Preparation of drafts, " in browser.get("/runs").text


def test_what_was_set_aside_is_shown_and_tried_again(world: World) -> None:
    billing = {"kind": "billing", "month": "2026-01", "engagement": "1"}
    with world.signed_in(world.billing) as (browser, token):
        here = _post(browser, token, "/runs", **billing)
        _work(world)
        page = browser.get(here).text
        assert "The provider hasn&#39;t submitted the figures yet" in page
        _post(browser, token, f"{here}/retry")
        page = browser.get(here).text
        assert "Waiting for a worker" in page
        _post(browser, token, f"{here}/cancel")
        assert "Cancelled" in browser.get(here).text
        assert browser.post(f"{here}/retry", data={"csrf_token": token}).status_code == 409


def test_reports_are_collected_and_leave_as_one_archive(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        assert "drop folder" not in browser.get("/runs/new?month=2026-01").text
        here = _post(browser, token, "/runs", kind="packs", month="2026-01")
        assert browser.get(f"{here}/reports.zip").status_code == 404
        _work(world)
        assert f"{here}/reports.zip" in browser.get(here).text
        first, second = (browser.get(f"{here}/reports.zip") for _ in range(2))
        assert first.content == second.content
        with ZipFile(BytesIO(first.content)) as archive:
            assert archive.testzip() is None
            (name,) = archive.namelist()
            report = archive.read(name)
        own = browser.get("/engagements/ENG-1/periods/2026-01/documents/pack.pdf")
        assert own.content == report
    with session_scope(world.app.state.engine, sees=EVERYTHING, read_only=True) as session:
        left = [one.subject_label for one in entries_of(session, 1) if one.subject_kind == KIND]
    assert left.count(name) == 3, "twice in an archive, once alone"
    with world.signed_in(world.manager) as (browser, token):
        answer = browser.post("/runs", data={"csrf_token": token} | _NEW | {"kind": "imports"})
        assert answer.status_code == 422, "no drop folder is set up"
    with world.signed_in(world.stranger) as (browser, _):
        assert browser.get(f"{here}/reports.zip").status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"kind": "magic"}, 422),
        ({"month": "2026"}, 422),
        ({"month": "soon"}, 422),
        ({"engagement": "2"}, 422),
        ({"engagement": ""}, 422),
        ({"provider": "999"}, 404),
    ],
)
def test_a_run_that_makes_no_sense_is_not_started(
    world: World, form: dict[str, str], status: int
) -> None:
    with world.signed_in(world.manager) as (browser, token):
        answer = browser.post("/runs", data={"csrf_token": token} | _NEW | form)
    assert answer.status_code == status


@pytest.mark.parametrize("threshold", ["much", "-1", "NaN"])
def test_a_threshold_is_a_percentage(world: World, threshold: str) -> None:
    with world.signed_in(world.manager) as (browser, _):
        assert browser.get(f"/runs/new?threshold={threshold}").status_code == 422


def test_others_learn_nothing_of_a_run(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        here = _post(browser, token, "/runs", **_NEW)
    with world.signed_in(world.stranger) as (browser, token):
        assert browser.get(here).status_code == 404
        assert "No run yet" in browser.get("/runs").text
        for turn in ("pause", "resume", "cancel", "retry"):
            answer = browser.post(f"{here}/{turn}", data={"csrf_token": token})
            assert answer.status_code == 404
    with world.signed_in(world.auditor) as (browser, _):
        assert browser.get("/runs").status_code == 403
