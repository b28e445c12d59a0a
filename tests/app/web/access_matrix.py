"""The access matrix: every route as everybody, in every state that matters.

What is expected stands in tests/cases/access_matrix.yaml and is written by people; nothing of it
is computed from the code that it judges. `report` prints what is missing as lines to paste, with
the statuses that were observed, which whoever pastes them has to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from zlib import crc32

import yaml
from httpx import Response
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from app.security.authentication import cookie_name
from app.security.csrf import csrf_token
from tests.app.web.matrix_fields import fields_of
from tests.app.web.matrix_world import (
    OTHER_TENANT,
    OWN,
    PERIODS,
    SAME_PARTIES,
    VERSIONS,
    MatrixWorld,
)
from tests.app.web.snapshots import Snapshot
from tests.factories import INVOICES, contract_bytes
from tests.long import LONG
from tests.paths import ROOT

TABLE = ROOT / "tests" / "cases" / "access_matrix.yaml"
PEOPLE = (
    "manager",
    "provider_finance",
    "committee",
    "chair",
    "client_finance",
    "auditor",
    "operator",
    "no_role",
    "visitor",
    "half_signed_in",
)
"""Who comes with a browser, and isn't sent elsewhere first."""
COLUMNS = (*PEOPLE, "must_enrol", "token", "token_without")
SHORT = ("PM", "PF", "CM", "CC", "CF", "AU", "OP", "--", "VI", "HS", "ME", "TK", "T-")
_VISITOR = "a visitor's secret"
NAMES: dict[str, str] = {
    "level": "SL-01",
    "position": "1",
    "file_name": "invoice.json",
    "simulation_file": "negotiation.md",
    "name": "cash_collected",
    "incident": "1",
    "payment": "1",
    "allocation": "999",
    "write_off": "1",
    "corrected": "999",
    "reversal": "999",
    "refund": "999",
    "note_file": "credit-note.json",
    "reminder": "1",
    "reminder_file": "reminder.json",
    "statement": "1",
    "contest": "1",
}
"""Parts of addresses that no engagement owns."""
_CLAIM = {
    "kind": "maintenance",
    "title": "Upgrade",
    "reason": "It was agreed",
    "period": "2026-06",
    "excused": "yes",
}
_SIMULATION = {"what": "1", "against": "2", "first": "2026-01", "last": "2026-02"}
_WITH_A_FILE = {
    "POST /engagements/{reference}/relief": _CLAIM,
    "POST /engagements/{reference}/simulations": _SIMULATION,
    "POST /engagements/{reference}/payments/imports": {},
    "POST /engagements/{reference}/provider-invoices": {},
}
"""Forms that could hold a file."""
_BY_PERIOD = frozenset({"POST /engagements/{reference}/periods"})
"""Routes that name the period in their form."""
_OF_A_LINK = frozenset({"/invitation", "/invitation/accept"})
"""Pages that need the link of an invitation."""
_ELSEWHERE = {
    "/sign-in": "in_",
    "/sign-in/second-step": "2nd",
    "/account/second-factors": "enr",
    "/confirm": "cnf",
}
"""Where a redirect leads that answers in place of the page: to sign in, to the second step, to
enrol a second factor, to confirm who one is."""
_REFUSALS = frozenset({*_ELSEWHERE.values(), "401", "403", "404"})
Statuses: TypeAlias = tuple[str, ...]
Matrix: TypeAlias = dict[str, dict[str, Statuses]]
"""Route, then case, then a status a column, or where a redirect leads."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a route is asked for."""

    name: str
    parts: Mapping[str, str] = field(default_factory=dict)
    personal: bool = False
    """Whether each column is asked for what its own account has."""
    cookies: Mapping[str, str] = field(default_factory=dict)


def routes(app: Litestar) -> list[str]:
    """ "GET /path" of every handler but those of static files."""
    return sorted(
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/static")
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    )


def cases(route: str, world: MatrixWorld) -> list[Case]:
    """All that a route has to be asked for, by what its address names."""
    named = set(re.findall(r"\{(\w+)", route))
    if "reference" in named:
        return _of_engagements(route, named, world)
    if "run_id" in named:
        return [Case("own", world.own), Case("other tenant", world.foreign)]
    if named & world.personal["stranger"].keys():
        return [
            Case("own", personal=True),
            Case("someone else's", world.personal["stranger"]),
        ]
    if named & {"uid", "invitation_id"}:
        return [
            Case("of the installation", world.installation),
            Case("of an engagement", world.own),
        ]
    if route.partition(" ")[2] in _OF_A_LINK:
        link = {cookie_name(world.settings, "invitation"): "invitation installation"}
        return [Case("without a link"), Case("with a link", cookies=link)]
    return [Case("always", world.installation | {"token": "invitation installation"})]


def _of_engagements(route: str, named: set[str], world: MatrixWorld) -> list[Case]:
    own = {"reference": OWN} | world.own
    found = [Case(name, own | parts) for name, parts in _states(route, named)]
    if named & world.foreign.keys():
        found.append(Case("part of another", own | world.foreign | _first(PERIODS, VERSIONS)))
    elsewhere = own | _first(PERIODS, VERSIONS)
    found.append(Case("same parties", elsewhere | {"reference": SAME_PARTIES}))
    found.append(Case("other tenant", elsewhere | {"reference": OTHER_TENANT} | world.foreign))
    return found


def _states(route: str, named: set[str]) -> Iterator[tuple[str, dict[str, str]]]:
    if "label" in named or route in _BY_PERIOD:
        yield from ((f"own, {state}", {"label": label}) for state, label in PERIODS.items())
    elif "number" in named:
        yield from ((f"own, {state}", {"number": number}) for state, number in VERSIONS.items())
    else:
        yield "own", {}


_REVIEW = "/engagements/{reference}/periods/{label}/review"
_SEAL = "/engagements/{reference}/periods/{label}/seal"
_INCIDENTS = "/engagements/{reference}/periods/{label}/incidents"


def _first(periods: dict[str, str], versions: dict[str, str]) -> dict[str, str]:
    return {"label": periods["issued"], "number": versions["accepted"]}


def observe(
    world: MatrixWorld, snapshot: Snapshot, chosen: Iterable[str], wanted: Matrix
) -> Matrix:
    """The status of every request, the database put back after each that changed it.

    In the short form of the tests two in three of the refusals that the table wants are taken on
    trust: a guard that is missing or wrong answers many people otherwise, in several cases.
    """
    with TestClient(world.app, base_url=world.settings.public_url) as client:
        client.follow_redirects = False
        asker = Asker(world, snapshot, client)
        return {
            route: {
                case.name: asker.row(route, case, wanted.get(route, {}).get(case.name))
                for case in cases(route, world)
            }
            for route in chosen
        }


def _on_trust(route: str, case: Case, column: str, status: str) -> bool:
    """Whether a refusal isn't tried; chosen by its place, so that it is the same each time."""
    place = f"{route} {case.name} {column}".encode()
    return not LONG and status in _REFUSALS and crc32(place) % 3 != 0


class Asker:
    """Sends requests as each column in turn."""

    def __init__(self, world: MatrixWorld, snapshot: Snapshot, client: TestClient[Any]) -> None:
        self._world, self._snapshot, self._client = world, snapshot, client
        self._headers = {name: self._headers_of(name) for name in COLUMNS}

    def row(self, route: str, case: Case, wanted: Statuses | None) -> Statuses:
        """The statuses of one case, a column each; all are observed where the table has none."""
        return tuple(
            status if _on_trust(route, case, name, status) else self._ask(route, case, name)
            for name, status in zip(COLUMNS, wanted or ("",) * len(COLUMNS), strict=True)
        )

    def _headers_of(self, column: str) -> dict[str, str]:
        world = self._world
        if column in world.tokens:
            return {"Authorization": f"Bearer {world.tokens[column]}"}
        secret = world.sessions.get(column, _VISITOR)
        purpose = "session" if column in world.sessions else "visitor"
        cookie = f"{cookie_name(world.settings, purpose)}={secret}"
        return {"Cookie": cookie, "X-CSRF-Token": csrf_token(secret)}

    def _ask(self, route: str, case: Case, column: str) -> str:
        answer = self.send(route, case, column, **self.body(route, case))
        self._snapshot.put_back()
        leads_to = answer.headers.get("location", "").partition("?")[0]
        if answer.status_code == 303 and leads_to in _ELSEWHERE:
            return _ELSEWHERE[leads_to]
        return str(answer.status_code)

    def send(self, route: str, case: Case, column: str, **body: Any) -> Response:
        """The answer to a request of that column; what it changes stays changed."""
        method, _, pattern = route.partition(" ")
        parts = {**NAMES, **case.parts}
        if case.personal:
            parts |= self._world.personal.get(column, self._world.personal["manager"])
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: parts[found[1]], pattern)
        headers = dict(self._headers[column])
        for name, value in case.cookies.items():
            headers["Cookie"] = f"{headers.get('Cookie', 'a=b')}; {name}={value}"
        return self._client.request(method, path, headers=headers, **body)

    def body(self, route: str, case: Case) -> dict[str, Any]:
        """What a form would send, so that who may do it can."""
        match route:
            case "POST /contracts":
                return {"files": {"contract": ("contract.yaml", contract_bytes("ENG-9"))}}
            case "POST /engagements/{reference}/evidence":
                return {"files": [("files", ("invoices.csv", INVOICES.encode()))]}
            case "POST /engagements/{reference}/periods":
                return {"data": {"period": case.parts["label"]}}
        if route in _WITH_A_FILE:
            return {"data": _WITH_A_FILE[route], "files": {"none": ("a.txt", b"a", "text/plain")}}
        if route.startswith(("POST " + _REVIEW, "POST " + _SEAL, "POST " + _INCIDENTS)):
            submission = self._world.submissions.get(case.parts["label"], "1")
            said = {"submission": submission, "reason": "it is so", "ruling": "upheld"}
            return {"data": said | {"proposal": "1"}}
        return {"data": fields_of(self._world).get(route, {})} if route.startswith("POST") else {}


@cache
def expected(path: Path = TABLE) -> Matrix:
    """The table as people have written it; a route in two groups is an error."""
    table = yaml.safe_load(path.read_text("utf-8"))
    assert table["columns"] == list(COLUMNS)
    found: Matrix = {}
    for group in table["groups"]:
        rows = {
            name.strip(): tuple(statuses.split())
            for names, statuses in group["rows"].items()
            for name in names.split(";")
        }
        for route in group["routes"]:
            assert route not in found, f"{route} stands in two groups"
            found[route] = rows
    return found


def differences(seen: Matrix, wanted: Matrix) -> list[str]:
    """Every status that isn't as the table has it, in words."""
    return [
        f"{route} | {case} | {column}: expected {should}, was {was}"
        for route, rows in seen.items()
        if route in wanted
        for case, statuses in rows.items()
        for column, was, should in zip(
            COLUMNS, statuses, wanted[route].get(case, ("none",) * len(COLUMNS)), strict=True
        )
        if was != should
    ]


def report(seen: Matrix) -> str:
    """Routes with their observed statuses as groups to paste, and to judge."""
    groups: dict[str, list[str]] = {}
    for route, rows in seen.items():
        groups.setdefault(_lines(rows), []).append(route)
    return "\n".join(
        "\n".join(["  - who: …", "    routes:", *(f"      - {one}" for one in members), lines])
        for lines, members in groups.items()
    )


def _lines(rows: dict[str, Statuses]) -> str:
    merged: dict[Statuses, list[str]] = {}
    for case, statuses in rows.items():
        merged.setdefault(statuses, []).append(case)
    named = [("; ".join(names), statuses) for statuses, names in merged.items()]
    width = max(len(names) for names, _ in named) + 2
    head = f"    rows:\n      # {' ' * (width - 1)}{'  '.join(SHORT)}"
    return "\n".join(
        [head] + [f"      {names + ':':<{width}} {' '.join(statuses)}" for names, statuses in named]
    )
