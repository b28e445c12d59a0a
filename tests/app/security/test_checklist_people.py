"""Points of the checklist on people: how often, how recently, and from when on."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlalchemy import delete, select
from sqlmodel import col

from app.database import METADATA, session_scope
from app.security.authentication import cookie_name
from governance.audit.models import Action, AuditEntry
from governance.parties import passwords
from governance.parties.models import Membership, User
from governance.tenancy import EVERYTHING
from tests.app.web.access_matrix import NAMES, routes
from tests.app.web.matrix_world import MatrixWorld, make_matrix_world
from tests.app.web.support import World, form_token
from tests.factories import PASSWORD

LIMITED = {
    "GET /engagements/{reference}/audit/entries.csv",
    "GET /engagements/{reference}/duties.csv",
    "GET /engagements/{reference}/periods/{label}/results/{level}/rows.csv",
    "GET /engagements/{reference}/periods/{label}/seal/bundle",
    "POST /account/tokens",
    "POST /contracts",
    "POST /engagements/{reference}/credit-notes/{note}/issue",
    "POST /engagements/{reference}/evidence",
    "POST /engagements/{reference}/invitations",
    "POST /engagements/{reference}/periods",
    "POST /engagements/{reference}/periods/{label}/invoice/issue",
    "POST /engagements/{reference}/periods/{label}/invoice/pdf",
    "POST /engagements/{reference}/provider-invoices",
    "POST /new-password",
    "POST /reset",
    "POST /sign-in/passkey",
}
RECENT = {
    "POST /account/email",
    "POST /account/password",
    "POST /account/second-factors/authenticator",
    "POST /account/second-factors/authenticator/remove",
    "POST /account/second-factors/passkeys",
    "POST /account/second-factors/passkeys/{passkey_id}/remove",
    "POST /account/second-factors/recovery-codes",
    "POST /account/tokens",
    "POST /engagements/{reference}/credit-notes/{note}/issue",
    "POST /engagements/{reference}/exceptions",
    "POST /engagements/{reference}/invitations",
    "POST /engagements/{reference}/members",
    "POST /engagements/{reference}/members/{membership_id}/remove",
    "POST /engagements/{reference}/members/{membership_id}/term",
    "POST /engagements/{reference}/periods/{label}/invoice/approve",
    "POST /engagements/{reference}/periods/{label}/invoice/issue",
    "POST /engagements/{reference}/periods/{label}/restatements/{restatement}/seal",
    "POST /engagements/{reference}/periods/{label}/seal/confirm",
    "POST /operation/users/{user_id}/close",
    "POST /operation/users/{user_id}/remove-second-factors",
}
_PASSING = re.compile(r"audit_|sign_in_session|api_token_use|throttle|passkey_challenge")
"""Tables that looking may write: the log, of what was exported or refused, and what passes."""


def _handlers(world: World) -> dict[str, Any]:
    return {
        f"{method} {route.path_format}": handler
        for route in world.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }


def test_15_what_costs_much_is_limited(world: World) -> None:
    """ASVS 2.4.1, 6.3.1. Sign-in, reset, export, PDF and import."""
    limited = {
        route
        for route, handler in _handlers(world).items()
        if any(hasattr(guard, "rate") for guard in handler.resolve_guards())
    }
    assert limited >= LIMITED


def test_33_grave_acts_need_a_recent_proof_of_identity(world: World) -> None:
    """ASVS 7.5.1, 7.5.3."""
    handlers = _handlers(world)
    assert {route for route in RECENT if not handlers[route].opt.get("recent")} == set()


def _contents(world: MatrixWorld) -> dict[str, str]:
    with world.app.state.engine.connect() as connection:
        return {
            table.name: sha256(
                repr(sorted(map(repr, connection.execute(select(table))))).encode()
            ).hexdigest()
            for table in METADATA.sorted_tables
            if not _PASSING.match(table.name)
        }


@pytest.mark.parametrize("column", ["manager", "chair", "auditor", "operator"])
def test_22_looking_at_every_page_changes_nothing(
    sqlite_template: Path, tmp_path: Path, column: str
) -> None:
    """ASVS 3.5.3. GET and HEAD of every route, for all that addresses can name."""
    world = make_matrix_world(sqlite_template, tmp_path)
    parts = NAMES | world.own | {"reference": "ENG-1", "label": "2026-01", "number": "1"}
    parts |= {"position": "1", "file_name": "invoice.json", "name": "dso", "token": "x"}
    parts |= {"simulation_file": "negotiation.md", "incident": "1"}
    before = _contents(world)
    cookie = f"{cookie_name(world.settings, 'session')}={world.sessions[column]}"
    with TestClient(world.app, base_url=world.settings.public_url) as client:
        client.follow_redirects = False
        for route in routes(world.app):
            method, _, pattern = route.partition(" ")
            if method == "GET":
                path = re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], pattern)
                for one in ("GET", "HEAD"):
                    answer = client.request(one, path, headers={"Cookie": cookie})
                    assert answer.status_code < 500, route
    assert _contents(world) == before


def test_36_a_role_that_was_taken_away_opens_nothing_from_the_next_request_on(
    own_world: World,
) -> None:
    """ASVS 8.3.2."""
    with own_world.signed_in(own_world.finance) as (browser, _):
        assert browser.get("/engagements/ENG-1").status_code == 200
        with session_scope(own_world.engine, sees=EVERYTHING) as session:
            mine = col(Membership.user_id) == own_world.finance.id
            session.execute(delete(Membership).where(mine))
        assert browser.get("/engagements/ENG-1").status_code == 404


def test_35_fields_that_no_form_has_are_ignored(own_world: World) -> None:
    """ASVS 8.2.3, 15.3.3."""
    extra = {"id": "1", "engagement_id": "2", "role": "operator", "state": "issued", "active": "1"}
    with own_world.signed_in(own_world.manager) as (browser, token):
        form = {"csrf_token": token, "period": "2026-02", **extra}
        answer = browser.post("/engagements/ENG-1/periods", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/engagements/ENG-1/periods/2026-02"
        assert browser.get("/engagements/ENG-2").status_code == 404


def test_10_nonsense_that_no_form_would_send_is_refused(world: World) -> None:
    """ASVS 2.2.1, 2.2.2."""
    periods = ("", "x", "2026", "2026-13", "9999-12", "-1", "2026-01\0", "٢٠٢٦-٠١", "x" * 10_000)
    with world.signed_in(world.manager) as (browser, token):
        for period in periods:
            form = {"csrf_token": token, "period": period}
            answer = browser.post("/engagements/ENG-1/periods", data=form)
            assert answer.status_code in {409, 422}, period


def test_02_a_quotation_mark_in_an_address_is_a_quotation_mark(world: World) -> None:
    """ASVS 1.2.4. It finds as little as any other text that stands nowhere."""
    injected = "' OR 1=1--"
    parts = {"reference": injected, "label": injected, "level": injected, "name": injected}
    with world.signed_in(world.auditor) as (browser, _):
        assert browser.get(f"/engagements/{injected}").status_code == 404
        assert browser.get(f"/kpis/{parts['name']}").status_code == 404
        for path in ("/engagements/ENG-1/periods/", "/engagements/ENG-1/evidence/"):
            assert browser.get(path + injected).status_code == 404
        search = "/engagements/ENG-1/audit"
        for field in ("person", "action", "kind", "object", "object_id", "from", "until"):
            literal = browser.get(search, params={field: "nothing-of-this-name"})
            answer = browser.get(search, params={field: injected})
            assert answer.status_code == literal.status_code, field
            assert answer.text.count("<tr") == literal.text.count("<tr"), field


def test_31_known_and_unknown_users_cost_the_same(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 6.3.8. Counted, not timed: what takes time at sign-in is the hash."""
    counted: list[str] = []
    hasher = passwords._HASHER

    class Counting:
        def verify(self, known: str, password: str) -> bool:
            counted.append(known[:20])
            return bool(hasher.verify(known, password))

        def check_needs_rehash(self, known: str) -> bool:
            return bool(hasher.check_needs_rehash(known))

    monkeypatch.setattr("governance.parties.passwords._HASHER", Counting())
    answers = []
    for email in (own_world.manager.email, "nobody@example.org"):
        with own_world.browser() as browser:
            token = form_token(browser.get("/sign-in").text)
            form = {"email": email, "password": "wrong but long", "csrf_token": token}
            answers.append(browser.post("/sign-in", data=form))
    assert len(counted) == 2
    assert counted[0] == counted[1]
    assert answers[0].status_code == answers[1].status_code
    assert _without_tokens(answers[0].text, own_world) == _without_tokens(
        answers[1].text, own_world
    )


def _without_tokens(text: str, world: World) -> str:
    text = text.replace(world.manager.email, "nobody@example.org")
    return re.sub(r'value="[0-9a-f]{64}"', "", text)


@pytest.mark.usefixtures("real_passwords")
def test_37_passwords_are_hashed_as_recommended() -> None:
    """ASVS 11.4.2. RFC 9106's second recommended choice of parameters."""
    assert passwords.hash_password(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def _entries(world: World, action: Action) -> list[AuditEntry]:
    with session_scope(world.engine, sees=EVERYTHING) as session:
        found = select(AuditEntry).where(col(AuditEntry.action) == action)
        return list(session.scalars(found))


def test_40_a_sign_in_is_one_entry_with_who_when_and_where(own_world: World) -> None:
    """ASVS 16.2.1, 16.3.1."""
    with own_world.browser() as browser:
        token = form_token(browser.get("/sign-in").text)
        form = {"email": own_world.manager.email, "password": PASSWORD, "csrf_token": token}
        before = len(_entries(own_world, Action.USER_SIGNED_IN))
        answer = browser.post("/sign-in", data=form)
        assert answer.status_code == 303
    entries = _entries(own_world, Action.USER_SIGNED_IN)
    assert len(entries) == before + 1
    stated = json.loads(entries[-1].data)
    assert stated["actor"]["id"] == own_world.manager.id
    assert stated["time"].endswith("Z")
    assert stated["request"] == answer.headers["x-request-id"]


def test_40_a_line_break_in_a_name_forges_no_line(own_world: World) -> None:
    """ASVS 16.4.1."""
    forged = "Ada\r\nuser:created by root"
    with session_scope(own_world.engine, sees=EVERYTHING) as session:
        session.get_one(User, own_world.manager.id).name = forged
    with own_world.signed_in(own_world.manager) as (browser, _):
        browser.get("/engagements/ENG-2")
    for entry in _entries(own_world, Action.ACCESS_REFUSED):
        assert b"\n" not in entry.data
        assert b"\r" not in entry.data
