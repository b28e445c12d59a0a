"""What goes wrong, as programs get it: problem documents in place of pages and redirects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response

from app.database import session_scope
from app.security.api_tokens import NewToken, make_token, offered_scopes
from app.web.problems import PROBLEM_JSON
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import INVOICES, actor_of

JSON = {"Accept": "application/json"}


def _bearer(world: World, user: User) -> dict[str, str]:
    actor = actor_of(user, datetime.now(UTC))
    with session_scope(world.engine, sees=EVERYTHING) as session:
        scopes = frozenset(offered_scopes(session, actor, operator=False))
        last_day = actor.at.date() + timedelta(days=1)
        _, text = make_token(session, actor, NewToken("program", scopes, last_day))
    return {"Authorization": f"Bearer {text}"}


def _document(answer: Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM_JSON
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def test_a_token_never_gets_a_page_for_an_error(own_world: World) -> None:
    own = "/engagements/ENG-1"
    manager = _bearer(own_world, own_world.manager)
    with own_world.browser() as client:
        for method, path, status in (
            ("GET", "/nothing", 404),
            ("GET", "/engagements/ENG-2", 404),
            ("GET", f"{own}/periods/2026-01/documents/nothing", 404),
            ("PUT", own, 405),
            ("POST", f"{own}/members", 403),
            ("POST", f"{own}/periods/2026-01/seal/confirm", 403),
            ("POST", f"{own}/periods/2026-01/invoice/issue", 403),
        ):
            _document(client.request(method, path, headers=manager), status)
        answer = client.post(f"{own}/periods", headers=manager, data={"period": "2031-01"})
        _document(answer, 409)
        large = {"period": "2" * 100_000}
        _document(client.post(f"{own}/periods", headers=manager, data=large), 413)
        answer = client.get(own, headers={"Authorization": "Bearer nothing"})
        _document(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_problem_of_an_input_is_listed(own_world: World) -> None:
    manager = _bearer(own_world, own_world.manager)
    path = "/engagements/ENG-1/evidence"
    wrong = INVOICES.replace("2026", "soon")
    with own_world.browser() as client:
        file = ("invoices.csv", wrong.encode())
        found = _document(client.post(path, headers=manager, files={"files": file}), 422)
        assert {one["file"] for one in found["problems"]} == {"invoices.csv"}
        assert len(found["problems"]) > 1
        answer = client.post(path, headers=manager, files={"files": ("x.csv", b"a,b\n1,2\n")})
        assert _document(answer, 422)["problems"][0]["what"]


def test_who_asks_for_json_gets_it_without_a_token_too(world: World) -> None:
    with world.browser() as client:
        answer = client.get("/engagements", headers=JSON)
        _document(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    with world.signed_in(world.finance) as (browser, token):
        _document(browser.get("/engagements/ENG-1/members/1", headers=JSON), 403)
        form = {"csrf_token": token}
        _document(browser.post("/engagements/ENG-1/periods", headers=JSON, data=form), 403)


def test_who_has_to_confirm_is_told_where(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        own_world.age_sessions(datetime.now(UTC) - timedelta(hours=1))
        form = {"csrf_token": token, "email": "ada@example.org"}
        answer = browser.post("/account/email", headers=JSON, data=form)
        assert "/confirm" in _document(answer, 403)["detail"]


def test_too_many_requests_say_how_long_to_wait(own_world: World) -> None:
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "password": "wrong"}
        answers = [browser.post("/confirm", headers=JSON, data=form) for _ in range(11)]
        answer = answers[-1]
        _document(answer, 429)
        assert int(answer.headers["retry-after"]) > 0


def test_an_error_of_the_program_tells_nothing(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("app.web.engagements.visible_engagements", fail)
    with own_world.signed_in(own_world.manager) as (browser, _):
        answer = browser.get("/engagements", headers=JSON)
    assert "secret" not in answer.text
    _document(answer, 500)


@pytest.mark.parametrize(
    ("accepted", "json"),
    [
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/html, application/json", False),
        ("application/json;q=0.1, text/html", False),
        ("", False),
        ("application/problem+json", True),
        ("application/json, text/html;q=0.9", True),
        ("application/json, */*", True),
    ],
)
def test_the_client_says_what_it_would_rather_have(world: World, accepted: str, json: bool) -> None:
    with world.browser() as client:
        answer = client.get("/nothing", headers={"Accept": accepted})
    assert (answer.headers["content-type"] == PROBLEM_JSON) is json
