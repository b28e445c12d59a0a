"""The pages of simulations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.database import session_scope
from app.simulating import progress_file, simulate_waiting
from app.simulation_files import FILES
from billing.simulation.models import SimulationRecord
from billing.simulation.service import finish, take_up
from billing.simulation.work import Work, Worked, work
from governance.bounded import Bounds
from governance.errors import Problem
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import Browser, World
from tests.billing.simulation.services import HOLD
from tests.factories import NOW, contract_bytes

_PATH = "/engagements/ENG-1/simulations"
_MONTHS = {"against": "1", "first": "2026-01", "last": "2026-02"}
_DRAFT = contract_bytes(expected="95.0").decode().replace("1000.00", "900.00")


def _in_this_process(given: Work, _bounds: Bounds, _name: str, _dropped: object) -> Worked:
    return work(given)


def _post(browser: Browser, token: str, **fields: Any) -> Any:
    """As a form with a file field would send it."""
    data = {"csrf_token": token} | _MONTHS | fields
    return browser.post(_PATH, files={name: (None, value) for name, value in data.items()})


def _work_off(world: World) -> None:
    store = world.app.state.workshop.store
    assert simulate_waiting(world.engine, world.settings, store, bounded=_in_this_process)


def _simulated(world: World) -> str:
    """The address of a finished simulation of the provider's."""
    with world.signed_in(world.manager) as (browser, token):
        answer = _post(browser, token, what="draft", text=_DRAFT)
        assert answer.status_code == 303, answer.text
    _work_off(world)
    return str(answer.headers["location"])


def test_from_the_form_to_the_result(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = browser.get(_PATH).text
        assert "Version 1, contract.yaml" in form
        answer = _post(browser, token, what="draft", text=_DRAFT)
        here = answer.headers["location"]
        waiting = browser.get(here).text
        assert "Waiting for its turn" in waiting
        assert f'href="{here}" hx-get="{here}"' in waiting
        _work_off(own_world)
        page = browser.get(here).text.replace("\N{NO-BREAK SPACE}", " ")
        assert "Pasted draft against Version 1" in page
        assert "less than Version 1 (−" in page
        assert "If the volume changes" in page
        assert "Cost before tax" in browser.get(f"{here}/negotiation.md").text
        assert "Done" in browser.get(_PATH).text


def test_progress_comes_in_parts_and_ends_with_the_page(own_world: World) -> None:
    part = {"HX-Request": "true"}
    with own_world.signed_in(own_world.manager) as (browser, token):
        here = _post(browser, token, what="1").headers["location"]
        file = progress_file(own_world.settings, int(here.rsplit("/", 1)[1]))
        file.parent.mkdir()
        file.write_text('{"done": 1, "all": 4}', "ascii")
        answer = browser.get(here, headers=part).text
        assert "<html" not in answer
        assert "1 of 4 months are settled" in answer
        assert 'hx-trigger="every 2s, click"' in answer
        _work_off(own_world)
        assert browser.get(here, headers=part).headers["HX-Redirect"] == here


def test_every_file_can_be_taken(own_world: World) -> None:
    here = _simulated(own_world)
    with own_world.signed_in(own_world.billing) as (browser, _):
        for name in FILES:
            answer = browser.get(f"{here}/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-disposition"].startswith("attachment")
        assert browser.get(f"{here}/other.csv").status_code == 404


@pytest.mark.parametrize("name", ["chair", "finance", "auditor"])
def test_the_other_side_finds_nothing(own_world: World, name: str) -> None:
    here = _simulated(own_world)
    user: User = getattr(own_world, name)
    with own_world.signed_in(user) as (browser, _):
        assert browser.get(here).status_code == 404
        assert browser.get(f"{here}/simulation.json").status_code == 404
        assert "Pasted draft" not in browser.get(_PATH).text


def test_a_draft_is_shown_with_its_problems(world: World) -> None:
    with world.signed_in(world.manager) as (browser, token):
        wrong = _DRAFT.replace("kpi: collected_within_terms", "kpi: collected_within_term")
        answer = _post(browser, token, what="draft", text=wrong)
        assert answer.status_code == 422
        assert "collected_within_terms" in answer.text
        assert 'class="wrong"' in answer.text
        assert "Nothing was simulated" in answer.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"what": "draft"}, "there is no draft to simulate"),
        ({"what": "7"}, "the contract has no such version"),
        ({"what": "1", "first": "2026"}, "this is no month"),
        ({"what": "1", "first": "2026-03"}, "the span ends before it starts"),
        ({"what": "1", "month": "2026-05"}, "none of the simulated ones"),
    ],
)
def test_what_the_form_lacks(world: World, fields: dict[str, str], message: str) -> None:
    with world.signed_in(world.manager) as (browser, token):
        answer = _post(browser, token, **fields)
        assert answer.status_code == 422
        assert message in answer.text


def test_a_failure_says_why(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        here = _post(browser, token, what="1").headers["location"]
        with session_scope(own_world.engine, sees=EVERYTHING) as session:
            held = take_up(session, NOW, HOLD)
            assert held is not None
            finish(session, held, NOW, problems=(Problem("takes longer than 300 seconds"),))
        page = browser.get(here).text
        assert "The simulation failed" in page
        assert "takes longer than 300 seconds" in page


def test_a_draft_file_goes_before_what_is_pasted(own_world: World, tmp_path: Path) -> None:
    file = tmp_path / "offer.yaml"
    file.write_text(_DRAFT)
    with own_world.signed_in(own_world.chair) as (browser, token):
        fields = {"csrf_token": token, "what": "draft", "text": "nonsense"} | _MONTHS
        with file.open("rb") as opened:
            answer = browser.post(_PATH, data=fields, files={"file": ("offer.yaml", opened)})
        assert answer.status_code == 303
    with session_scope(own_world.engine, sees=EVERYTHING, read_only=True) as session:
        row = session.get_one(SimulationRecord, int(answer.headers["location"].rsplit("/", 1)[1]))
    assert (row.draft_name, row.draft) == ("offer.yaml", _DRAFT.encode())


def test_one_cancels_what_waits(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        here = _post(browser, token, what="draft", text=_DRAFT).headers["location"]
        assert "Cancel this simulation" in browser.get(here).text
        gone = browser.post(f"{here}/cancel", data={"csrf_token": token})
        assert gone.headers["location"] == _PATH
        assert "Cancelled" in browser.get(_PATH).text
        page = browser.get(here).text
        assert "before there was a result" in page
        assert "Cancel this simulation" not in page
        again = browser.post(f"{here}/cancel", data={"csrf_token": token})
        assert again.status_code == 409


def test_months_without_evidence_show_no_sums(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        here = _post(browser, token, what="1", first="2026-05", last="2026-06").headers["location"]
        _work_off(own_world)
        page = browser.get(here).text
        assert "No month could be priced" in page
        assert "Set aside" in page
        assert "Cost before tax" not in page.partition("To paste into a negotiation")[0]
