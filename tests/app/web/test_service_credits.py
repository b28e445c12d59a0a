"""Service credits as people see them: the list, one period, the claim, and incidents."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.database import session_scope
from billing.settlement.reviewing import submit_period
from governance.parties.models import User
from governance.parties.service import get_user
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.billing.settlement.claims import claim_contract, make_scene
from tests.factories import FEBRUARY, JANUARY

BASE = "/engagements/ENG-9"
YEARS = 4000
"""Days that end long after whatever day the test runs on."""


@dataclass(frozen=True, slots=True)
class Place:
    """ENG-9 with a submitted January, whose credit is to be claimed."""

    world: World
    client: User
    provider: User
    submission: str

    def get(self, user: User, path: str, status: int = 200) -> str:
        """A page's text on one line."""
        with self.world.signed_in(user) as (browser, _):
            answer = browser.get(BASE + path)
        assert answer.status_code == status, (path, answer.text[:2000])
        return " ".join(answer.text.split())

    def post(self, user: User, path: str, **form: str | list[str]) -> int:
        """What a form answers."""
        with self.world.signed_in(user) as (browser, token):
            data = {"csrf_token": token} | form
            return browser.post(BASE + path, data=data).status_code


@pytest.fixture
def place(own_world: World, tmp_path: Path) -> Place:
    workshop = own_world.app.state.workshop
    contract = claim_contract("ENG-9", within=YEARS, incidents="chosen")
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        scene = make_scene(session, tmp_path / "more", contract, workshop)
        scene.settle(JANUARY)
        submission = submit_period(session, scene.provider, scene.engagement, JANUARY)
        people = [get_user(session, one.signed_in_id) for one in (scene.client, scene.provider)]
    return Place(own_world, people[0], people[1], str(submission.id))


def test_what_can_be_claimed_is_seen_by_both_and_claimed_by_the_client(place: Place) -> None:
    world = place.world
    for user in (place.client, place.provider):
        page = place.get(user, "/credits")
        assert "What can be claimed" in page
        assert "To be claimed" in page
        assert "EUR" in page
        assert ("/credits/2026-01/claim" in page) is (user is place.client)
        assert "has to be claimed" in place.get(user, "/periods/2026-01")
    assert "Claim the credit" in place.get(place.client, "/credits/2026-01/claim")
    place.get(place.provider, "/credits/2026-01/claim", 403)
    place.get(world.stranger, "/credits", 404)
    assert place.post(place.provider, "/credits/2026-01/claim") == 403
    assert place.post(world.stranger, "/credits/2026-01/claim") == 404
    assert place.post(place.client, "/credits/2026-01/claim") == 303
    assert place.post(place.client, "/credits/2026-01/claim") == 409
    assert "It was claimed on" in place.get(place.client, "/credits/2026-01/claim")
    assert "is claimed" in place.get(place.provider, "/periods/2026-01")


def test_the_home_page_names_what_waits_to_be_claimed(place: Place) -> None:
    with place.world.signed_in(place.client) as (browser, _):
        page = browser.get("/engagements").text
    assert "to be claimed" in page
    assert f"{BASE}/credits" in page
    with place.world.signed_in(place.provider) as (browser, _):
        assert "to be claimed" not in browser.get("/engagements").text


def test_a_period_that_is_not_settled_can_be_claimed_too(place: Place) -> None:
    assert "not computed yet" in place.get(place.client, "/credits/2026-02/claim")
    assert place.post(place.client, f"/credits/{FEBRUARY.label}/claim") == 303
    place.get(place.client, "/credits/2026-02", 404)
    place.get(place.client, "/credits/nonsense", 404)
    place.get(place.client, "/credits/2025-01/claim", 404)


def test_each_figure_of_a_credit_opens_to_its_measurement(place: Place) -> None:
    page = place.get(place.provider, "/credits/2026-01")
    assert "Schedule 2, 1" in page
    assert "No invoice" in page
    links = re.findall(r'href="([^"]*/results/[^"]*)"', page)
    assert len(links) == 2
    for link in links:
        with place.world.signed_in(place.provider) as (browser, _):
            assert browser.get(link).status_code == 200


def test_the_list_is_a_table_that_holds_no_formula(place: Place) -> None:
    with place.world.signed_in(place.provider) as (browser, _):
        answer = browser.get(f"{BASE}/credits.csv")
    assert answer.status_code == 200
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    parts = [row["part"] for row in rows]
    assert parts == ["service level"] * 2 + ["base", "cap", "credit", "net"]
    assert {row["claim"] for row in rows} == {"open"}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_the_client_marks_an_incident_which_the_provider_settles(place: Place) -> None:
    form: dict[str, str | list[str]] = {"submission": place.submission}
    form |= {"service_levels": ["SL-01", "SL-02"]}
    page = place.get(place.client, "/periods/2026-01")
    assert "Mark misses as of one incident" in page
    assert "Mark misses as of one incident" not in place.get(place.provider, "/periods/2026-01")
    path = "/periods/2026-01/incidents"
    assert place.post(place.provider, path, **form, reason="x", counts="SL-02") == 403
    assert place.post(place.client, path, **form, reason="", counts="SL-02") == 422
    assert place.post(place.client, path, **form, reason="<Outage>", counts="SL-02") == 303
    for user in (place.client, place.provider):
        page = place.get(user, "/periods/2026-01")
        assert "&lt;Outage&gt;" in page
        assert "settle the period again" in page
    assert "Settle again and submit" in place.get(place.provider, "/periods/2026-01")
    apply = "/periods/2026-01/review/apply"
    assert place.post(place.provider, apply, submission=place.submission) == 303
    assert "INC-1" in place.get(place.provider, "/credits/2026-01")
    page = place.get(place.client, "/periods/2026-01")
    found = re.search(r'name="submission" value="(\d+)"', page)
    assert found is not None
    remove = f"{path}/1/remove"
    assert place.post(place.client, remove, submission=found[1]) == 303
    assert place.post(place.client, remove, submission=found[1]) == 404


def test_without_a_window_the_page_says_nothing_of_claims(place: Place) -> None:
    page = place.get(place.world.manager, "/../ENG-1/credits")
    assert "Claim" not in page
    assert "January 2026" in page
    place.get(place.world.manager, "/../ENG-1/credits/2026-01")
