"""The pages of service levels over time."""

from __future__ import annotations

from tests.app.web.support import World

_PATH = "/engagements/ENG-1/service-levels"


def test_computed_on_demand_and_shown(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        before = browser.get(_PATH).text
        assert "No trend has been computed yet" in before
        assert browser.get(f"{_PATH}/SL-01").status_code == 404
        answer = browser.post(_PATH, data={"csrf_token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, _PATH)
        listed = browser.get(_PATH).text
        assert "Collected within terms" in listed
        assert "Bring up to date" not in listed
        page = browser.get(f"{_PATH}/SL-01").text.replace("\N{NO-BREAK SPACE}", " ")
        assert "Thirteen months" in page
        assert "February 2026 has no data yet" in page
        assert "before hand-over" in page
        assert 'href="/engagements/ENG-1/periods/2026-01/results/SL-01">settled' in page


def test_an_auditor_sees_no_button(world: World) -> None:
    with world.signed_in(world.auditor) as (browser, token):
        assert "Bring up to date" not in browser.get(_PATH).text
        assert browser.post(_PATH, data={"csrf_token": token}).status_code == 403
