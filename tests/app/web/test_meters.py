"""The pages of the meters, and invoice lines of late rows."""

from __future__ import annotations

import pytest

from app.database import session_scope
from app.web.rendering import period_label
from billing.metering.catalogue import load_meters
from billing.settlement.service import settle_period
from governance.engagements.models import Engagement
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from tests.app.web.support import World
from tests.factories import (
    FEBRUARY,
    INVOICES,
    JANUARY,
    actor_of,
    approve,
    write_evidence_folder,
)


def test_the_list_groups_meters_and_says_what_is_billed_once(world: World) -> None:
    with world.signed_in(world.manager) as (browser, _):
        catalogue = browser.get("/kpis").text
        page = browser.get("/meters").text
        assert browser.get("/meters/nothing").status_code == 404
    assert 'href="/meters"' in catalogue
    for name in load_meters():
        assert f'href="/meters/{name}"' in page
    for title in ("Invoicing", "Cash", "Collections", "Disputes", "People"):
        assert f">{title}</h2>" in page
    assert "invoices_issued/{channel}" in page
    assert "Every row is billed once" in page


@pytest.mark.parametrize("name", load_meters())
def test_every_meter_has_a_page_with_an_example(world: World, name: str) -> None:
    with world.signed_in(world.manager) as (browser, _):
        page = browser.get(f"/meters/{name}")
    assert page.status_code == 200
    for part in (">Example</h2>", ">SQL</h2>", load_meters()[name].sha256):
        assert part in page.text


def _bill_late_rows(world: World) -> None:
    """January is sealed, an invoice of January comes after, and February bills it."""
    late = INVOICES + "I-9,C-1,2026-01-12,2026-01-28,EUR,50.00\n"
    with session_scope(world.engine, sees=EVERYTHING) as session:
        engagement = session.get_one(Engagement, 1)
        actor = actor_of(world.manager)
        approve(session, engagement, JANUARY)
        source = write_evidence_folder(world.settings.data_dir / "late", invoices=late)
        hand_in(session, actor, engagement, Upload(source, "late"), world.settings.evidence_dir)
        settle_period(session, actor, engagement, FEBRUARY, world.app.state.workshop)


def test_a_line_of_late_rows_says_so_and_opens_to_them(own_world: World) -> None:
    _bill_late_rows(own_world)
    here = "/engagements/ENG-1/periods/2026-02/invoice"
    with own_world.signed_in(own_world.finance) as (browser, _):
        invoice = browser.get(here).text
        own, late = (browser.get(f"{here}/lines/{number}").text for number in (2, 3))
    january = period_label("2026-01")
    assert "Invoices issued – late from 2026-01" in invoice
    assert f"Rows of {january} that came after its figures were sealed" in invoice
    assert f"The late rows of {january}" in late
    assert "I-9" in late
    assert "I-4" not in late
    assert "SHA-256 of the late rows" in late
    assert "I-9" not in own
