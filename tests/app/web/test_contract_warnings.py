"""What is unwise about a contract is shown before it is added, and on its version's page."""

from __future__ import annotations

from httpx import Response

from tests.app.web.support import World
from tests.factories import contract_bytes

HTMX = {"HX-Request": "true"}
_AT_ONCE = (b"due_days: 30", b"due_days: 0")


def _unwise(reference: str) -> bytes:
    data = contract_bytes(reference)
    return data if _AT_ONCE[0] not in data else data.replace(*_AT_ONCE)


def _send(world: World, data: bytes, *, part: bool = False, **form: str) -> Response:
    with world.signed_in(world.manager) as (browser, token):
        return browser.post(
            "/contracts",
            data={"csrf_token": token, "effective_from": ""} | form,
            files={"contract": ("contract.yaml", data)},
            headers=HTMX if part else {},
        )


def test_only_checking_shows_warnings_and_keeps_nothing(world: World) -> None:
    before = world.counts()
    for part in (False, True):
        answer = _send(world, _unwise("ENG-7"), part=part, intent="check")
        assert answer.status_code == 200
        assert ("<html" in answer.text) is not part
        assert "contract.yaml is sound" in answer.text
        assert "Invoices are due on the day that they are issued" in answer.text
        assert "invoicing.due_days" in answer.text
    assert world.counts() == before


def test_only_checking_shows_problems_too(world: World) -> None:
    answer = _send(world, b"plumbline: 1\n", intent="check")
    assert answer.status_code == 422
    assert "&#39;engagement&#39; is missing" in answer.text


def test_a_versions_page_shows_its_warnings(own_world: World) -> None:
    assert _send(own_world, _unwise("ENG-7")).status_code == 303
    with own_world.signed_in(own_world.manager) as (browser, _):
        page = browser.get("/engagements/ENG-7/contracts/1/review")
    assert page.status_code == 200
    assert "Invoices are due on the day that they are issued" in page.text
    assert "Agree on the days that the client needs" in page.text
