"""Billing runs: what they would do, what they do, and what they leave to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.database import actor_scope, session_scope
from app.run_kinds import run_kinds
from app.running import Worker
from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.models import FeeInvoice
from billing.invoices.values import InvoiceState
from billing.runs.kinds import DRAFTS
from billing.runs.packs import PACKS, pack_name
from billing.runs.preview import BILLING, preview_billing, providers_of
from billing.runs.values import Preview, PreviewLine, Readiness
from billing.settlement.models import DocumentKind, SettlementDocument
from billing.settlement.service import settle_period
from governance.access import Actor, Role
from governance.audit.models import Action, AuditEntry
from governance.audit.service import events_of
from governance.engagements.models import Engagement
from governance.errors import Conflict
from governance.runs.models import Run
from governance.runs.queries import items_of
from governance.runs.service import NewRun, start_run
from governance.runs.values import ItemState, Task
from governance.tenancy import EVERYTHING
from governance.values import Money, Period
from sla.evidence.service import Upload, hand_in
from tests.billing.runs.billed import add_engagement, make_checked
from tests.factories import (
    JANUARY,
    RECEIPTS,
    actor_of,
    make_member,
    make_role,
    make_user,
    make_workshop,
    seal,
    write_evidence_folder,
)
from tests.governance.runs.pools import InProcess

_ONE_MORE = "R-3,C-2,2026-02-11,EUR,5.00\n"


class Month:
    """January of six engagements, each at another point of its way to the invoice."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.workshop, self.folder = engine, make_workshop(folder), folder
        self.kinds = run_kinds(self.workshop)
        with session_scope(engine, sees=EVERYTHING) as session:
            self.lead, starter = make_user(session), make_user(session)
            self.actor = actor_of(starter)
            self.engagements = {
                name: add_engagement(session, self.lead, name, folder)
                for name in ("approved", "checked", "own-check", "draft", "settled", "open")
            }
            for one in self.engagements.values():
                make_role(session, one, starter, Role.PROVIDER_FINANCE)
            self._fill(session)

    def _fill(self, session: Session) -> None:
        lead, at = actor_of(self.lead), self.engagements
        for name in ("approved", "checked"):
            make_checked(session, lead, at[name], self.workshop)
        approver = make_member(session, at["approved"], Role.PROVIDER_FINANCE)
        approve_invoice(session, approver, at["approved"], JANUARY)
        for name in ("own-check", "draft", "settled"):
            settle_period(session, lead, at[name], JANUARY, self.workshop)
        for name in ("own-check", "draft"):
            client = make_member(session, at[name], Role.CLIENT_COMMITTEE)
            seal(session, at[name], JANUARY, client)
        check_invoice(session, self.actor, at["own-check"], JANUARY)

    def preview(self, month: Period = JANUARY) -> Preview:
        """What the starter would see."""
        with actor_scope(self.engine, self.actor, read_only=True) as session:
            (provider,) = providers_of(session, self.actor)
            return preview_billing(session, self.actor, provider.id, month)

    def start(self, kind: str, engagements: Sequence[Engagement]) -> int:
        """A run over these engagements."""
        provider = engagements[0].provider_id
        new = NewRun(self.kinds[kind], provider, JANUARY, engagements)
        with actor_scope(self.engine, self.actor) as session:
            return start_run(session, self.actor, new).id

    def worked(self, run_id: int) -> dict[tuple[str, str], tuple[ItemState, str]]:
        """The run worked on: by engagement and step, what became of it."""
        worker = Worker(self.engine, self.kinds, InProcess(1), now=lambda: self.actor.at)
        assert worker.work_waiting()
        names = {one.id: name for name, one in self.engagements.items()}
        with actor_scope(self.engine, self.actor, read_only=True) as session:
            items = items_of(session, session.get_one(Run, run_id), *ItemState)
        return {(names[one.engagement_id], one.step): (one.state, one.text) for one in items}


@pytest.fixture
def month(fresh_engine: Engine, tmp_path: Path) -> Month:
    """The month on each database in turn."""
    return Month(fresh_engine, tmp_path)


def test_a_month_from_its_preview_to_its_documents(month: Month) -> None:
    before = month.preview()
    found = {one.reference: (one.readiness, one.why) for one in before.lines}
    assert found == {
        "approved": (Readiness.ISSUE, ""),
        "checked": (Readiness.APPROVE, ""),
        "draft": (Readiness.BLOCKED, "nobody has checked the invoice yet"),
        "open": (Readiness.BLOCKED, "the period isn't settled yet"),
        "own-check": (
            Readiness.BLOCKED,
            "you settled this period or checked its invoice; another person has to approve it",
        ),
        "settled": (Readiness.BLOCKED, "the provider hasn't submitted the figures yet"),
    }
    assert before.totals == (Money(2 * 107_903, "EUR"),)
    run_id = month.start(BILLING, list(month.engagements.values()))
    assert {one.readiness for one in month.preview().lines} == {Readiness.IN_RUN}
    done = month.worked(run_id)
    aside, skipped = ItemState.SET_ASIDE, ItemState.SKIPPED
    assert done["approved", "issue"] == (ItemState.DONE, "CW-2026-00001")
    assert done["checked", "issue"] == (ItemState.DONE, "CW-2026-00002")
    assert done["draft", "issue"] == (aside, "nobody has checked the invoice yet")
    assert done["open", "issue"] == (aside, "the period isn't settled yet")
    assert done["checked", "draw"] == (ItemState.DONE, "PDF of 0 kB")
    assert done["draft", "draw"] == (skipped, "there is no issued invoice")
    _check_documents(month)
    again = month.worked(month.start(BILLING, list(month.engagements.values())))
    assert again["checked", "issue"] == (skipped, "issued as CW-2026-00002")
    assert again["checked", "draw"] == (skipped, "the PDF of CW-2026-00002 is made already")
    after = month.preview()
    assert after.billable == ()
    assert [one.reference for one in after.rest] == ["approved", "checked"]


def _check_documents(month: Month) -> None:
    """Both invoices are approved, issued and drawn once, each with its entry of the run."""
    with session_scope(month.engine, sees=EVERYTHING, read_only=True) as session:
        issued = session.scalars(
            select(FeeInvoice).where(col(FeeInvoice.state) == InvoiceState.ISSUED)
        ).all()
        assert {one.issued_by_id for one in issued} == {month.actor.user_id}
        pdfs = session.scalars(
            select(SettlementDocument).where(
                col(SettlementDocument.kind) == DocumentKind.INVOICE_PDF,
                col(SettlementDocument.frozen),
            )
        ).all()
        assert sorted(one.data.split()[0] for one in pdfs) == [b"CW-2026-00001", b"CW-2026-00002"]
        actions = session.scalars(
            select(col(AuditEntry.action))
            .where(col(AuditEntry.request_id).startswith("run-"))
            .order_by(col(AuditEntry.id))
        ).all()
    assert actions == [
        Action.INVOICE_ISSUED,
        Action.INVOICE_APPROVED,
        Action.INVOICE_ISSUED,
        Action.INVOICE_RENDERED,
        Action.INVOICE_RENDERED,
        *[Action.RUN_FINISHED] * 7,
    ]


def test_drafts_are_prepared_where_the_evidence_is_in(month: Month) -> None:
    _check_no_stale_draft(month)
    asked = [month.engagements["open"], month.engagements["settled"]]
    done = month.worked(month.start(DRAFTS, asked))
    assert done == {
        ("open", "settle"): (ItemState.DONE, "settled; its invoice is a draft"),
        ("settled", "settle"): (ItemState.SKIPPED, "settled already"),
    }
    for label, why in (("2026-03", "isn't over yet"), ("2025-12", "hadn't begun")):
        lines = month.preview(Period.parse(label)).lines
        assert {one.readiness for one in lines} == {Readiness.NOT_DUE}
        assert why in lines[0].why
    _check_no_draft_without_evidence(month)
    _check_reports(month)


def _check_no_stale_draft(month: Month) -> None:
    """What was computed from other evidence than counts by now isn't stored."""
    step, engagement = month.kinds[DRAFTS].steps["settle"], month.engagements["open"]
    task = Task(1, 1, engagement.id, "settle", JANUARY)
    with actor_scope(month.engine, month.actor, read_only=True) as session:
        computed = step.prepare(session, month.actor, engagement, task)
    assert step.compute is not None
    drawn = step.compute(computed)
    source = write_evidence_folder(month.folder / "newer", receipts=RECEIPTS + _ONE_MORE)
    lead = actor_of(month.lead)
    with session_scope(month.engine, sees=EVERYTHING) as session:
        hand_in(session, lead, engagement, Upload(source, "newer"), month.workshop.store)
    with (
        actor_scope(month.engine, month.actor) as session,
        pytest.raises(Conflict, match="changed while the period was computed"),
    ):
        step.work(session, month.actor, engagement, task, drawn)


def _check_reports(month: Month) -> None:
    """Reports that are there are collected as they are; newer templates draw them anew."""
    names = ("open", "settled", "approved")
    asked = [month.engagements[name] for name in names]
    done = month.worked(month.start(PACKS, asked))
    kept = (ItemState.DONE, "report of 0 kB, kept since it was settled")
    assert {done[name, "pack"] for name in names} == {kept}
    with session_scope(month.engine, sees=EVERYTHING) as session:
        for document in session.scalars(
            select(SettlementDocument).where(col(SettlementDocument.kind) == DocumentKind.PACK_PDF)
        ):
            document.template_version = "1" * 64
    again = month.worked(month.start(PACKS, asked))
    assert again["open", "pack"] == (ItemState.DONE, "report of 0 kB, drawn anew")
    with session_scope(month.engine, sees=EVERYTHING, read_only=True) as session:
        entries = events_of(session, month.engagements["open"].id)
    assert Action.PACK_DRAWN in {one.action for one in entries}


def _check_no_draft_without_evidence(month: Month) -> None:
    april = Actor(month.actor.user_id, "", datetime(2026, 4, 9, tzinfo=UTC))
    step, engagement = month.kinds[DRAFTS].steps["settle"], month.engagements["open"]
    task = Task(1, 1, engagement.id, "settle", Period.month(2026, 3))
    with (
        actor_scope(month.engine, april, read_only=True) as session,
        pytest.raises(Conflict, match="no row of the evidence is dated in 2026-03"),
    ):
        step.prepare(session, april, engagement, task)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("ENG-1", "ENG-1-2026-01-pack.pdf"),
        ("A/../../x", "A_.._.._x-2026-01-pack.pdf"),
        ("../x", "_x-2026-01-pack.pdf"),
    ],
)
def test_a_report_of_an_archive_leads_nowhere(reference: str, name: str) -> None:
    assert pack_name(reference, "2026-01") == name


def _line(payable: int | None, last: int | None) -> PreviewLine:
    return PreviewLine(
        1,
        "E-1",
        "Title",
        "Client",
        JANUARY,
        settled=True,
        readiness=Readiness.ISSUE,
        payable=None if payable is None else Money(payable, "EUR"),
        last=None if last is None else Money(last, "EUR"),
    )


@pytest.mark.parametrize(
    ("payable", "last", "percent", "stands_out"),
    [
        (11_000, 10_000, "10.0", False),
        (11_001, 10_000, "10.0", True),
        (11_010, 10_000, "10.1", True),
        (8_000, 10_000, "-20.0", True),
        (-500, 1_000, "-150.0", True),
        (100, 0, None, True),
        (0, 0, None, False),
        (100, None, None, False),
        (None, 100, None, False),
    ],
)
def test_differences_beyond_the_threshold_stand_out(
    payable: int | None, last: int | None, percent: str | None, stands_out: bool
) -> None:
    line = _line(payable, last)
    assert line.change_percent == (None if percent is None else Decimal(percent))
    assert line.stands_out(Decimal(10)) is stands_out
