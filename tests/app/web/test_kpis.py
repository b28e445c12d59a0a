"""The catalogue's pages, and the rows behind a figure as a file."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from sla.kpis.catalogue import load_catalogue
from tests.app.web.support import World

RESULT = "/engagements/ENG-1/periods/2026-01/results/SL-01"


def test_the_catalogue_is_grouped_and_searched(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        whole = browser.get("/kpis").text
        found = browser.get("/kpis?q=Right-party").text
        several = browser.get("/kpis?q=receivable past DUE").text
        nothing = browser.get("/kpis?q=<script>").text
        assert browser.get(f"/kpis?q={'x' * 101}").status_code == 400
    for title in ("Collections", "Cash application", "People", "Satisfaction", "Disputes"):
        assert f">{title}</h2>" in whole
    assert 'href="/kpis/right_party_contact_rate"' in found
    assert 'href="/kpis/fill_rate"' not in found
    assert 'href="/kpis/share_past_due"' in several
    assert "&lt;script&gt;" in nothing
    assert f"0 of {len(load_catalogue())} KPIs" in nothing


@pytest.mark.parametrize("name", load_catalogue())
def test_every_kpi_has_a_page_with_an_example(world: World, name: str) -> None:
    with world.signed_in(world.manager) as (browser, _):
        page = browser.get(f"/kpis/{name}")
    assert page.status_code == 200
    for part in (">Example</h2>", ">SQL</h2>", load_catalogue()[name].sha256):
        assert part in page.text


def test_own_kpis_stand_in_the_catalogue_as_such(own_world: World) -> None:
    own = replace(load_catalogue()["dso"], name="dso_of_ours", title="Our DSO", own=True)
    workshop = own_world.app.state.workshop
    own_world.app.state.workshop = replace(
        workshop, catalogue={**workshop.catalogue, "dso_of_ours": own}
    )
    with own_world.signed_in(own_world.manager) as (browser, _):
        found = browser.get("/kpis?q=our dso").text
        page = browser.get("/kpis/dso_of_ours").text
    assert '<span class="badge">Own</span>' in found
    assert "added by this installation" in page
    assert ">Example</h2>" not in page


def test_rows_show_their_sums_and_leave_as_a_file(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        page = browser.get(RESULT).text
        answer = browser.get(f"{RESULT}/rows.csv")
        assert browser.get(f"{RESULT.replace('SL-01', 'SL-09')}/rows.csv").status_code == 404
    assert "Sum of all 3" in page
    assert f'href="{RESULT}/rows.csv"' in page
    heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heading[0] == "invoice_id"
    assert len(rows) == 3
    assert 'filename="ENG-1-2026-01-SL-01.csv"' in answer.headers["content-disposition"]


def test_a_file_of_rows_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.results.MAX_FILE_ROWS", 2)
    with world.signed_in(world.manager) as (browser, _):
        assert "rows.csv" not in browser.get(RESULT).text
        refused = browser.get(f"{RESULT}/rows.csv")
    assert refused.status_code == 409
    assert "3 rows are more than a file takes" in refused.text
