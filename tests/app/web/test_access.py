"""Who gets to which page: every route, every kind of visitor."""

from __future__ import annotations

import pytest

from governance.access import Permission
from tests.app.web.support import World, address, routes

NOT_OF_AN_ENGAGEMENT = {"public", "signed_in_only", "second_step"}
_OF_CLIENT_FINANCE = {
    Permission.CHECK_PROVIDER_INVOICE,
    Permission.CLAIM_CREDIT,
    Permission.DISPUTE_INVOICE,
    Permission.EXPORT_JOURNAL,
    Permission.UPDATE_TRENDS,
    Permission.VIEW,
}


def _permission(options: dict[str, object]) -> Permission | None:
    guards = options["guards"]
    assert isinstance(guards, list | tuple)
    found = [guard.permission for guard in guards if hasattr(guard, "permission")]
    return found[0] if found else None


@pytest.fixture
def guarded(world: World) -> list[tuple[str, str, Permission]]:
    """Method, path and permission of the routes that belong to an engagement."""
    return [
        (method, path, permission)
        for method, path, options in routes(world.app)
        if "{reference" in path and (permission := _permission(dict(options)))
    ]


def test_every_route_says_who_may_call_it(world: World) -> None:
    for method, path, options in routes(world.app):
        named = _permission(dict(options)) is not None
        assert named or "{reference" not in path, f"{method} {path}"
        assert named or NOT_OF_AN_ENGAGEMENT & options.keys(), f"{method} {path}"


def test_only_the_ways_in_and_health_are_public(world: World) -> None:
    public = {(method, path) for method, path, options in routes(world.app) if "public" in options}
    links = ("invitation", "new-address", "new-password")
    assert public == {
        *((("GET", path)) for path in ("/health", "/ready", "/metrics")),
        *((method, "/sign-in") for method in ("GET", "POST")),
        *(("POST", path) for path in ("/sign-in/passkey", "/sign-in/passkey/options")),
        *(("GET", f"/sign-in/single-sign-on{more}") for more in ("", "/return")),
        *((method, f"/{link}") for link in links for method in ("GET", "POST")),
        *((method, "/reset") for method in ("GET", "POST")),
        *(("GET", f"/{link}/{{token}}") for link in ("invitations", "new-address", "reset")),
    }


def test_strangers_are_sent_to_sign_in(world: World) -> None:
    with world.browser() as browser:
        for method, path, options in routes(world.app):
            if "public" in options:
                continue
            answer = browser.request(method, address(path, world))
            assert answer.status_code == 303, f"{method} {path}"
            assert answer.headers["location"].startswith("/sign-in"), f"{method} {path}"


def test_sign_in_comes_back_to_the_page_asked_for(world: World) -> None:
    with world.browser() as browser:
        answer = browser.get("/engagements/ENG-1?from=25")
        assert answer.headers["location"] == "/sign-in?next=/engagements/ENG-1%3Ffrom%3D25"
        answer = browser.get("/engagements", headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"] == "/sign-in"


def test_someone_elses_engagement_is_not_found(
    world: World, guarded: list[tuple[str, str, Permission]]
) -> None:
    with world.signed_in(world.manager) as (browser, token):
        for method, path, _ in guarded:
            for reference in ("ENG-2", "no-such"):
                target = address(path, world, reference=reference)
                answer = browser.request(method, target, headers={"X-CSRF-Token": token})
                assert answer.status_code == 404, f"{method} {target}"
                assert "Clearwater" not in answer.text.replace(
                    "Clearwater Receivables Ltd</small>", ""
                )


def test_a_role_without_the_permission_is_refused(
    world: World, guarded: list[tuple[str, str, Permission]]
) -> None:
    with world.signed_in(world.finance) as (browser, token):
        for method, path, permission in guarded:
            answer = browser.request(method, address(path, world), headers={"X-CSRF-Token": token})
            allowed = permission in _OF_CLIENT_FINANCE
            assert (answer.status_code == 403) is not allowed, f"{method} {path}"


def test_another_tenants_parts_of_ones_own_engagement_are_not_found(world: World) -> None:
    with world.signed_in(world.stranger) as (browser, _):
        for path in (f"evidence/{world.evidence_sha256}", "hand-ins/1", "periods/2026-01"):
            assert browser.get(f"/engagements/ENG-2/{path}").status_code == 404, path


def test_pages_offer_only_what_the_role_may_do(world: World) -> None:
    with world.signed_in(world.finance) as (browser, _):
        page = browser.get("/engagements/ENG-1").text
        invoice = browser.get("/engagements/ENG-1/periods/2026-01/invoice").text
    assert "Hand in evidence" not in page
    assert "Period to settle" not in page
    assert "Issue the invoice" not in invoice


def test_looking_changes_nothing(world: World) -> None:
    before = world.counts()
    with world.signed_in(world.manager) as (browser, _):
        for method, path, _options in routes(world.app):
            if method == "GET":
                browser.get(address(path, world))
    assert world.counts() == before
