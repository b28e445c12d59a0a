"""Points of the checklist on what forms send: every field of every form, and every POST route."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import LargeBinary, select
from sqlalchemy.dialects import sqlite

from app.database import METADATA, session_scope
from app.mail.outbox import claim_next
from governance.tables import UtcDateTime
from tests.app.security.forms import Form, forms_of
from tests.app.web.access_matrix import PEOPLE, Asker, Case, cases, expected, routes
from tests.app.web.matrix_world import MatrixWorld, make_matrix_world
from tests.app.web.snapshots import Snapshot
from tests.app.web.support import HOSTILE

PARTS = 2
WITH_FORMS = ("manager", "chair", "operator", "no_role", "visitor")
"""People who have every form between them."""
LONG = "x" * 100_000
"""More than any form may hold."""
LARGE = "y" * 50_000
"""As much as a form may hold, but no field."""
EXTRA = {
    "id": "1",
    "role": "operator",
    "engagement_id": "2",
    "user_id": "1",
    "organisation_id": "1",
    "operator": "1",
    "active": "0",
    "state": "issued",
    "amount": "1",
    "password_hash": "x",
    "created_at": "2020-01-01",
}
"""What no form has; a route that has one of these gets the others."""
ALIKE = "POST /reset"
"""Answers every address alike, so that nobody learns who has an account."""
CHOSEN = {"role", "kind", "conflict", "decision", "period", "last_day", "scopes"}
"""Fields that take a choice or a day, and nothing else."""
OPEN_END = {"starts_on", "ends_on"}
"""Days that may be left out."""
PLAIN = {"GET /health", "GET /ready", "GET /metrics"}
"""What those who watch the application read; nobody has written a word of it."""
NONSENSE = ("\0", "-1", "9" * 30, "2026-02-30", "NaN", "king", "١", "\ud7ff\u202e")
_PASSING = re.compile(r"audit_|sign_in_|api_token_use|throttle|passkey_|single_sign_on|recovery")
_DRAWN = (UtcDateTime, LargeBinary)
_ADDED = frozenset({"idempotency_key", "password_hash", "salt", "uid", "documents_json"})
"""What differs between two runs of the same."""


@pytest.fixture
def asked(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[MatrixWorld, Snapshot, Asker]]:
    """The world of the access matrix, and who asks in it."""
    world = make_matrix_world(sqlite_template, tmp_path)
    snapshot = Snapshot(tmp_path / "plumbline.db")
    with TestClient(world.app, base_url=world.settings.public_url) as client:
        client.follow_redirects = False
        yield world, snapshot, Asker(world, snapshot, client)


def _contents(world: MatrixWorld) -> dict[str, list[str]]:
    """The business tables without what is drawn or told by the clock."""
    with world.app.state.engine.connect() as connection:
        return {
            name: sorted(map(repr, connection.exec_driver_sql(query).all()))
            for name, query in _queries().items()
        }


@cache
def _queries() -> dict[str, str]:
    """By business table, the statement that reads it as it is stored."""
    found = {}
    for table in METADATA.sorted_tables:
        kept = [
            column
            for column in table.columns
            if not isinstance(column.type, _DRAWN)
            and "sha256" not in column.name
            and column.name not in _ADDED
        ]
        if not _PASSING.match(table.name):
            found[table.name] = str(select(*kept).compile(dialect=sqlite.dialect()))
    return found


def _posts(world: MatrixWorld, part: int) -> Iterator[tuple[str, Case, str]]:
    """Every POST route with somebody for whom it does something."""
    table = expected()
    wanted = [route for route in routes(world.app) if route.startswith("POST ")]
    for route in wanted[part::PARTS]:
        for case in cases(route, world):
            columns = zip(PEOPLE, table[route][case.name], strict=False)
            able = [column for column, status in columns if status in {"200", "303"}]
            if able:
                yield route, case, able[0]
                break


@pytest.mark.parametrize("part", range(PARTS))
def test_35_no_route_takes_fields_that_its_form_has_not(
    asked: tuple[MatrixWorld, Snapshot, Asker], part: int
) -> None:
    """ASVS 8.2.3, 15.3.3."""
    world, snapshot, asker = asked
    seen = 0
    for route, case, column in _posts(world, part):
        body = asker.body(route, case)
        own = body.get("data", {})
        asker.send(route, case, column, **body)
        plain = _contents(world)
        snapshot.put_back()
        body["data"] = {name: value for name, value in EXTRA.items() if name not in own} | own
        answer = asker.send(route, case, column, **body)
        assert answer.status_code < 500, route
        if answer.status_code < 400:
            assert _contents(world) == plain, route
        snapshot.put_back()
        seen += 1
    assert seen > 12


@pytest.mark.parametrize("part", range(PARTS))
def test_10_no_route_takes_values_that_no_form_would_send(
    asked: tuple[MatrixWorld, Snapshot, Asker], part: int
) -> None:
    """ASVS 2.2.1, 2.2.2."""
    world, snapshot, asker = asked
    before = _contents(world)
    for route, case, column in _posts(world, part):
        body = asker.body(route, case)
        for name, changed in _distorted(body.get("data", {})):
            answer = asker.send(route, case, column, **body | {"data": changed})
            what = f"{route} {name} {str(changed.get(name))[:40]!r}: {answer.status_code}"
            assert answer.status_code < 500, what
            if _must_fail(name, changed) and (route != ALIKE or changed.get(name) == LONG):
                assert answer.status_code >= 400, what
            if answer.status_code >= 400:
                assert answer.text, what
                assert not snapshot.is_changed or _contents(world) == before, what
            elif snapshot.is_changed:
                stored = "".join(map("".join, _contents(world).values()))
                assert "\\x00" not in stored, what
                assert LARGE not in stored, what
            snapshot.put_back()


def _distorted(fields: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, usual in fields.items():
        for wrong in NONSENSE:
            yield name, fields | {name: wrong}
        yield name, fields | {name: LONG}
        yield name, fields | {name: LARGE}
        yield name, {other: value for other, value in fields.items() if other != name}
        yield name, fields | {name: [usual, "another"]}
    if OPEN_END & fields.keys() or "role" in fields:
        for name in sorted(OPEN_END):
            for wrong in NONSENSE:
                yield name, fields | {name: wrong}


def _must_fail(name: str, changed: dict[str, Any]) -> bool:
    value = changed.get(name)
    return value == LONG or (name in CHOSEN | OPEN_END | {"email"} and value in NONSENSE)


def _pages(world: MatrixWorld, asker: Asker, column: str) -> Iterator[tuple[str, Any]]:
    for route in routes(world.app):
        if route.startswith("GET "):
            for case in cases(route, world)[:2]:
                yield route, asker.send(route, case, column)


def _check_harmless(where: str, answer: Any) -> int:
    """How often the text comes back, each time as a text."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        assert "<img src=x" not in answer.text, where
        return int(answer.text.count("&lt;img src=x"))
    if kind.startswith("text/csv"):
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        return sum(HOSTILE in cell for cell in cells)
    return 0


def _check_mails(world: MatrixWorld) -> int:
    secret, seen = world.settings.secret(), 0
    with session_scope(world.app.state.engine) as session:
        while mail := claim_next(session, secret, datetime.now(UTC)):
            assert "<img src=x" not in mail.html
            seen += mail.html.count("&lt;img src=x")
    return seen


def test_16_every_file_of_every_route_is_saved_and_never_run(
    asked: tuple[MatrixWorld, Snapshot, Asker],
) -> None:
    """ASVS 3.2.1. Whatever is no page goes out as a file, in a sandbox."""
    world, snapshot, asker = asked
    seen = set()
    for column in ("manager", "auditor"):
        for route, answer in _pages(world, asker, column):
            kind = answer.headers.get("content-type", "")
            if (
                answer.status_code == 200
                and not kind.startswith("text/html")
                and route not in PLAIN
            ):
                seen.add(route)
                assert answer.headers["content-disposition"].startswith("attachment"), route
                assert "sandbox" in answer.headers["content-security-policy"], route
                assert answer.headers["x-content-type-options"] == "nosniff", route
    snapshot.put_back()
    assert len(seen) > 5, seen


def _found_forms(world: MatrixWorld, asker: Asker) -> dict[tuple[str, str], tuple[str, Form]]:
    """Every form with a text field, by method and address, and somebody who has it."""
    found: dict[tuple[str, str], tuple[str, Form]] = {}
    for column in WITH_FORMS:
        for _, answer in _pages(world, asker, column):
            if answer.headers.get("content-type", "").startswith("text/html"):
                for form in forms_of(answer.text):
                    if form.texts and not form.files:
                        found.setdefault((form.method, form.action), (column, form))
    return found


@dataclass
class Prober:
    """Puts the hostile text into forms and looks where it comes back, always as a text."""

    world: MatrixWorld
    snapshot: Snapshot
    asker: Asker
    before: dict[str, list[str]]
    """What the business tables hold when nothing was sent."""
    back: int = 0
    """How often the text was seen."""

    def probe(self, where: str, column: str, usual: dict[str, str], names: list[str]) -> None:
        """One field after the other, and all pages after those that were stored."""
        taken = {}
        for name in names:
            if self._stored(where, column, usual | {name: HOSTILE}):
                taken[name] = HOSTILE
        if taken and self._stored(where, column, usual | taken, look_around=True):
            return
        for name in taken:  # The texts exclude each other.
            self._stored(where, column, usual | {name: HOSTILE}, look_around=True)

    def _stored(
        self, where: str, column: str, sent: dict[str, str], *, look_around: bool = False
    ) -> bool:
        """Whether the form changed a business table; it is as it was before when this ends."""
        method, _, action = where.partition(" ")
        keyword: dict[str, Any] = {"params" if method == "get" else "data": sent}
        route = f"{method.upper()} {action or '/'}"
        answer = self.asker.send(route, Case("form"), column, **keyword)
        assert answer.status_code < 500, (where, sent)
        self.back += _check_harmless(where, answer)
        refused = method == "get" or answer.status_code >= 400 or not self.snapshot.is_changed
        stored = not refused and _contents(self.world) != self.before
        if stored and look_around:
            for page, seen in _pages(self.world, self.asker, column):
                self.back += _check_harmless(f"{where}, then {page}", seen)
            self.back += _check_mails(self.world)
        self.snapshot.put_back()
        return stored


def test_01_every_text_of_every_form_comes_back_as_a_text(
    asked: tuple[MatrixWorld, Snapshot, Asker],
) -> None:
    """ASVS 1.2.1."""
    world, snapshot, asker = asked
    snapshot.put_back()
    fields = _all_fields(world, asker)
    forms = _found_forms(world, asker)
    snapshot.put_back()
    assert len(forms) > 10
    prober = Prober(world, snapshot, asker, _contents(world))
    for (method, action), (column, form) in forms.items():
        usual = form.values | fields.get(action.rsplit("/", 1)[-1], {})
        prober.probe(f"{method} {action}", column, usual, list(form.texts))
    assert prober.back > 5


def _all_fields(world: MatrixWorld, asker: Asker) -> dict[str, dict[str, str]]:
    """What the matrix fills forms with, by the last part of their address."""
    return {
        route.rsplit("/", 1)[-1]: asker.body(route, case).get("data", {})
        for route in routes(world.app)
        if route.startswith("POST ")
        for case in cases(route, world)[:1]
    }
