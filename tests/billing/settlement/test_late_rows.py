"""Late rows through the database: billed once, by the next invoice, and open to exactly them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from billing.restatements.reviewing import seal_restatement, submit_restatement
from billing.restatements.service import restate_period
from billing.settlement.acceptance import agreement_of
from billing.settlement.drill_down import drill_down_quantity
from billing.settlement.models import DocumentKind
from billing.settlement.queries import get_document
from billing.settlement.service import settle_period
from billing.settlement.verifying_meters import verify_meters
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.errors import Conflict, NotFound
from governance.tables import canonical_json
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import load_catalogue
from sla.kpis.values import DrillDown
from sla.reviews.queries import seal_of_period
from tests.factories import (
    FEBRUARY,
    INVOICES,
    JANUARY,
    actor_of,
    agree,
    contract_bytes,
    make_evidence,
    make_member,
    make_user,
    make_workshop,
    seal,
    write_evidence_folder,
)

MARCH = Period.month(2026, 3)
LATER = datetime(2026, 6, 1, 9, tzinfo=UTC)
LATE = INVOICES + "I-9,C-1,2026-01-12,2026-01-28,EUR,50.00\n"
METER = "invoices_issued"
_ENDS = b"\n    to: 2026-01-31"


@dataclass(frozen=True, slots=True)
class Late:
    """An engagement whose January is sealed, and an invoice of January that came after."""

    session: Session
    manager: Actor
    client: Actor
    engagement: Engagement
    folder: Path

    def hand_in(self, name: str, invoices: str) -> None:
        """Evidence that takes the place of the first."""
        source = write_evidence_folder(self.folder / name, invoices=invoices)
        store = make_workshop(self.folder).store
        hand_in(self.session, self.manager, self.engagement, Upload(source, name), store)

    def settle(self, period: Period) -> None:
        """The period, from what counts now."""
        workshop = make_workshop(self.folder)
        settle_period(self.session, self.manager, self.engagement, period, workshop)

    def seal(self, period: Period) -> None:
        """Both sides agree."""
        seal(self.session, self.engagement, period, self.client)

    def restate(self, period: Period) -> None:
        """Restated and sealed."""
        place = (self.session, self.manager, self.engagement)
        row = restate_period(*place, period, make_workshop(self.folder), "late invoices")
        submit_restatement(*place, row)
        seal_restatement(self.session, self.client, self.engagement, row, load_catalogue())

    def lines(self, period: Period) -> list[Mapping[str, Any]]:
        """The lines of the invoice that price invoices."""
        document = get_document(
            self.session, self.manager, self.engagement, period, DocumentKind.INVOICE
        )
        return [one for one in json.loads(document.data)["lines"] if one["charge"] == "CH-02"]

    def amounts(self, period: Period) -> list[tuple[str, str]]:
        """Of each line, what earlier period it is late of, and its amount."""
        return [(one.get("late", ""), one["amount"]) for one in self.lines(period)]

    def warnings(self, period: Period) -> list[str]:
        """What the period's figures warn of late rows."""
        document = get_document(
            self.session, self.manager, self.engagement, period, DocumentKind.MEASUREMENTS
        )
        found: list[str] = json.loads(document.data)["warnings"]
        return [one for one in found if "too late" in one]

    def rows(self, period: Period, late: str = "") -> DrillDown:
        """What a line opens to."""
        return drill_down_quantity(
            self.session,
            self.manager,
            self.engagement,
            period,
            METER,
            workshop=make_workshop(self.folder),
            late=late,
        )


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Late:
    return _scene(session, tmp_path, contract_bytes())


def _scene(session: Session, tmp_path: Path, contract: bytes) -> Late:
    manager = actor_of(make_user(session), LATER)
    engagement = add_contract(session, manager, "contract.yaml", contract).engagement
    make_evidence(session, manager, engagement, tmp_path)
    agree(session, engagement)
    client = replace(make_member(session, engagement, Role.CLIENT_COMMITTEE), at=LATER)
    made = Late(session, manager, client, engagement, tmp_path)
    made.settle(JANUARY)
    made.seal(JANUARY)
    made.hand_in("late", LATE)
    return made


def _ids(found: DrillDown) -> list[str]:
    at = found.columns.index("invoice_id")
    return [str(row[at]) for row in found.rows]


def test_the_next_invoice_bills_them_on_a_line_of_their_own(scene: Late) -> None:
    scene.settle(FEBRUARY)
    assert scene.amounts(FEBRUARY) == [("", "2.50"), ("2026-01", "2.50")]
    line = scene.lines(FEBRUARY)[1]
    assert line["reading"]["rows"] == 1
    assert line["reading"]["window"] == {"start": "2026-01-01", "end": "2026-01-31"}
    assert line["reading"]["late"] == "2026-01"
    assert len(line["reading"]["rows_sha256"]) == 64
    assert _ids(scene.rows(FEBRUARY, "2026-01")) == ["I-9"]
    assert _ids(scene.rows(FEBRUARY)) == ["I-4"]
    with pytest.raises(NotFound, match="no late rows of 2025-12"):
        scene.rows(FEBRUARY, "2025-12")
    scene.seal(FEBRUARY)
    scene.settle(MARCH)
    assert scene.amounts(MARCH) == [("", "0.00")]


def test_late_rows_that_nothing_prices_any_more_are_said(session: Session, tmp_path: Path) -> None:
    metered = b"meter: invoices_issued"
    scene = _scene(session, tmp_path, contract_bytes().replace(metered, metered + _ENDS))
    assert scene.warnings(JANUARY) == []
    scene.settle(FEBRUARY)
    (said,) = scene.warnings(FEBRUARY)
    assert said == (
        "1 row came too late for the invoice of 2026-01 (meter invoices_issued), and no charge of"
        " this period prices that meter: only a restatement of 2026-01 bills it"
    )
    scene.restate(JANUARY)
    scene.settle(FEBRUARY)
    assert scene.warnings(FEBRUARY) == []
    assert scene.amounts(FEBRUARY) == [("", "2.50")]


def test_a_restatement_of_the_earlier_period_does_not_bill_them_again(scene: Late) -> None:
    scene.settle(FEBRUARY)
    scene.seal(FEBRUARY)
    scene.hand_in("more", LATE + "I-8,C-1,2026-01-13,2026-01-28,EUR,50.00\n")
    scene.restate(JANUARY)
    scene.settle(MARCH)
    # 3 rows were billed, the fourth is the restatement's, the fifth was late in February.
    assert [(one.get("restatement"), one["amount"]) for one in scene.lines(MARCH)] == [
        (None, "0.00"),
        ("2026-01/1", "2.50"),
    ]


def test_a_restatement_that_holds_them_makes_the_draft_out_of_date(scene: Late) -> None:
    scene.settle(FEBRUARY)
    scene.restate(JANUARY)
    agreement = agreement_of(scene.session, scene.manager, scene.engagement, FEBRUARY)
    assert "2026-01 was sealed since" in agreement.overtaken
    with pytest.raises(Conflict, match="2026-01 was sealed since"):
        scene.seal(FEBRUARY)
    scene.settle(FEBRUARY)
    assert scene.amounts(FEBRUARY) == [("", "2.50"), ("", "2.50")]
    assert [one.get("restatement") for one in scene.lines(FEBRUARY)] == [None, "2026-01/1"]
    scene.seal(FEBRUARY)


def test_a_draft_restatement_gives_way_to_an_invoice_that_billed_them(scene: Late) -> None:
    place = (scene.session, scene.manager, scene.engagement)
    row = restate_period(*place, JANUARY, make_workshop(scene.folder), "late invoices")
    submit_restatement(*place, row)
    scene.settle(FEBRUARY)
    scene.seal(FEBRUARY)
    with pytest.raises(Conflict, match="2026-02 was sealed since"):
        seal_restatement(scene.session, scene.client, scene.engagement, row, load_catalogue())


def test_a_row_that_moved_into_the_period_is_left_out_and_says_so(scene: Late) -> None:
    scene.hand_in("moved", INVOICES.replace("I-3,C-2,2026-01-15", "I-3,C-2,2026-02-01"))
    scene.settle(FEBRUARY)
    (line,) = scene.lines(FEBRUARY)
    assert (line["quantity"], line["reading"]["left_out"]) == ("1", 1)
    assert _ids(scene.rows(FEBRUARY)) == ["I-4"]
    # January gives it back, and the next invoice bills it as February's.
    scene.seal(FEBRUARY)
    scene.restate(JANUARY)
    scene.settle(MARCH)
    lines = [(one.get("late", ""), one.get("restatement", "")) for one in scene.lines(MARCH)]
    assert lines == [("", ""), ("2026-02", ""), ("", "2026-01/1")]
    assert sum(Decimal(one["amount"]) for one in scene.lines(MARCH)) == 0


def test_what_was_sealed_is_counted_again_from_the_seal_alone(scene: Late) -> None:
    scene.settle(FEBRUARY)
    scene.seal(FEBRUARY)
    sealed = seal_of_period(scene.session, scene.engagement, FEBRUARY)
    assert sealed is not None
    find = make_workshop(scene.folder).store.local
    assert verify_meters(sealed.document, find) == ()
    content = json.loads(sealed.document)
    (late,) = content["inputs"]["metering"]["meters"][METER]["late"]
    assert late["rows"] == [["I-9"]]
    late["rows"] = [["I-1"], ["I-9"]]
    tampered = [one.what for one in verify_meters(canonical_json(content), find)]
    assert tampered == [
        "rows differs",
        "rows sha256 differs",
        "quantity of the line Invoices issued – late from 2026-01 differs",
    ]
    content["invoice"]["meters"][0]["definition_sha256"] = "0" * 64
    first = verify_meters(canonical_json(content), find)[0]
    assert first.what == "the meter has another definition here"
