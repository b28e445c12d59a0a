"""Sealed periods restated through the database: beside the seal, made good exactly once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session

from billing.invoices.service import issue_invoice
from billing.restatements.models import RestatementRecord
from billing.restatements.queries import get_restatement, restatements_of
from billing.restatements.reviewing import seal_restatement, submit_restatement
from billing.restatements.service import restate_period
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import get_document, get_settled_period
from billing.settlement.reviewing import submit_period
from billing.settlement.service import settle_period
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.engagements.service import add_contract
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.kpis.catalogue import load_catalogue
from sla.measurements.queries import measurement_history
from sla.measurements.values import Status
from sla.relief.service import NewRelief, Ruling, decide_relief, propose_relief
from sla.relief.values import Claim, Relief, ReliefKind
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.judging import contest_item
from sla.reviews.queries import review_of
from sla.reviews.turns import Proposal
from sla.reviews.values import Ruling as Decision
from tests.factories import (
    FEBRUARY,
    INVOICES,
    JANUARY,
    actor_of,
    agree,
    approve,
    contract_bytes,
    make_engagement,
    make_evidence,
    make_member,
    make_user,
    make_workshop,
    seal,
    write_evidence_folder,
)

MARCH = Period.month(2026, 3)
LATER = datetime(2026, 6, 1, 9, tzinfo=UTC)
MORE = INVOICES + "I-9,C-1,2026-01-12,2026-01-28,EUR,50.00\n"
PAID_LATE = "receipt_id,invoice_id,amount,applied_on\nR-1,I-1,100.00,2026-01-18\n"


@dataclass(frozen=True, slots=True)
class Scene:
    """An engagement whose January is sealed."""

    session: Session
    manager: Actor
    client: Actor
    engagement: Engagement
    folder: Path

    def settle(self, period: Period) -> SettlementRecord:
        return settle_period(
            self.session, self.manager, self.engagement, period, make_workshop(self.folder)
        )

    def correct(self, name: str, **files: str) -> None:
        """Corrected evidence takes the place of the first."""
        source = write_evidence_folder(self.folder / name, **files)
        store = make_workshop(self.folder).store
        hand_in(self.session, self.manager, self.engagement, Upload(source, name), store)

    def restate(self, period: Period = JANUARY, reason: str = "late invoices") -> RestatementRecord:
        return restate_period(
            self.session,
            self.manager,
            self.engagement,
            period,
            make_workshop(self.folder),
            reason,
        )

    def seal(self, row: RestatementRecord) -> None:
        submit_restatement(self.session, self.manager, self.engagement, row)
        seal_restatement(self.session, self.client, self.engagement, row, load_catalogue())

    def seal_period(self, period: Period) -> None:
        seal(self.session, self.engagement, period, self.client)

    def invoice(self, period: Period) -> dict[str, object]:
        document = get_document(
            self.session, self.manager, self.engagement, period, DocumentKind.INVOICE
        )
        return dict(json.loads(document.data))


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    manager = actor_of(make_user(session), LATER)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, tmp_path)
    agree(session, engagement)
    client = replace(make_member(session, engagement, Role.CLIENT_COMMITTEE), at=LATER)
    made = Scene(session, manager, client, engagement, tmp_path)
    made.settle(JANUARY)
    made.seal_period(JANUARY)
    return made


def _lines(invoice: dict[str, object]) -> list[tuple[str, str, str]]:
    lines = invoice["lines"]
    assert isinstance(lines, list)
    return [(line["charge"], line.get("restatement", ""), line["amount"]) for line in lines]


def test_a_sealed_period_cannot_be_settled_again_and_an_open_one_not_restated(scene: Scene) -> None:
    with pytest.raises(Conflict, match="restatement"):
        scene.settle(JANUARY)
    scene.settle(FEBRUARY)
    with pytest.raises(Conflict, match="isn't sealed"):
        scene.restate(FEBRUARY)


def test_without_a_difference_there_is_nothing_to_restate(scene: Scene) -> None:
    with pytest.raises(Conflict, match="nothing of 2026-01 differs"):
        scene.restate()


def test_a_restatement_stands_beside_the_sealed_figures(scene: Scene) -> None:
    before = get_settled_period(scene.session, scene.manager, scene.engagement, JANUARY)
    scene.correct("corrected", invoices=MORE)
    row = scene.restate()
    after = get_settled_period(scene.session, scene.manager, scene.engagement, JANUARY)
    assert after.documents == before.documents
    assert [one.value for one in after.measurements] == [one.value for one in before.measurements]
    shown = get_restatement(scene.session, scene.manager, scene.engagement, JANUARY, 1)
    assert shown.record.id == row.id
    assert shown.seal is None
    assert [(one.charge, one.old, one.new) for one in shown.difference.lines] == [
        ("CH-02", Decimal("7.50"), Decimal("10.00"))
    ]
    assert [(one.old_value, one.new_value) for one in shown.difference.levels] == [("33.3", "25.0")]
    # 10 % of the charges are at risk, so the credit follows them.
    assert shown.difference.credit == Decimal("0.25")


def test_only_a_sealed_restatement_counts(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    row = scene.restate()
    (january,) = measurement_history(scene.session, scene.engagement, JANUARY.end)
    assert january.results[0].value == Decimal("33.3")
    scene.settle(FEBRUARY)
    assert all(not cited for _, cited, _ in _lines(scene.invoice(FEBRUARY)))
    scene.seal(row)
    (january,) = measurement_history(scene.session, scene.engagement, JANUARY.end)
    assert january.results[0].value == Decimal("25.0")


def test_the_difference_stands_on_the_next_invoice_exactly_once(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    scene.seal(scene.restate())
    scene.settle(FEBRUARY)
    invoice = scene.invoice(FEBRUARY)
    assert _lines(invoice)[-2:] == [
        ("CH-02", "2026-01/1", "2.50"),
        ("service_credit", "2026-01/1", "-0.25"),
    ]
    lines = invoice["lines"]
    assert isinstance(lines, list)
    assert lines[-1]["title"] == "Restatement of 2026-01: service credit"
    assert [step["amount"] for step in lines[-2]["steps"]] == ["10.00", "-7.50"]
    scene.settle(FEBRUARY)
    scene.seal_period(FEBRUARY)
    scene.settle(MARCH)
    assert all(not cited for _, cited, _ in _lines(scene.invoice(MARCH)))
    shown = get_restatement(scene.session, scene.manager, scene.engagement, JANUARY, 1)
    assert shown.carried_in == FEBRUARY


def test_a_period_after_an_open_one_does_not_carry_it(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    scene.seal(scene.restate())
    scene.settle(MARCH)
    assert all(not cited for _, cited, _ in _lines(scene.invoice(MARCH)))
    scene.settle(FEBRUARY)
    assert [cited for _, cited, _ in _lines(scene.invoice(FEBRUARY))][-2:] == ["2026-01/1"] * 2


def test_restatements_of_a_period_chain(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    scene.seal(scene.restate())
    scene.correct("again", invoices=MORE + "I-10,C-1,2026-01-13,2026-01-28,EUR,50.00\n")
    second = scene.restate(reason="one more")
    assert second.reference == "2026-01/2"
    scene.seal(second)
    scene.settle(FEBRUARY)
    cited = [line for line in _lines(scene.invoice(FEBRUARY)) if line[1]]
    assert cited == [
        ("CH-02", "2026-01/1", "2.50"),
        ("service_credit", "2026-01/1", "-0.25"),
        ("CH-02", "2026-01/2", "2.50"),
        ("service_credit", "2026-01/2", "-0.25"),
    ]
    found = restatements_of(scene.session, scene.client, scene.engagement, JANUARY)
    assert [one.record.number for one in found] == [1, 2]


def test_an_open_restatement_is_computed_anew(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    first = scene.restate()
    submit_restatement(scene.session, scene.manager, scene.engagement, first)
    scene.correct("again", invoices=MORE + "I-10,C-1,2026-01-13,2026-01-28,EUR,50.00\n")
    second = scene.restate(reason="one more")
    assert (first.number, second.number) == (1, 1)
    assert first.superseded_at is not None
    with pytest.raises(Conflict):
        seal_restatement(scene.session, scene.client, scene.engagement, first, load_catalogue())
    scene.seal(second)


def test_issuing_gives_the_same_bytes_whatever_was_restated_since(scene: Scene) -> None:
    scene.settle(FEBRUARY)
    issuer = approve(scene.session, scene.engagement, FEBRUARY)
    scene.correct("corrected", invoices=MORE)
    scene.seal(scene.restate())
    issued = issue_invoice(
        scene.session,
        replace(issuer, at=LATER),
        scene.engagement,
        FEBRUARY,
        make_workshop(scene.folder),
    )
    assert issued.number
    scene.settle(MARCH)
    cited = [line for line in _lines(scene.invoice(MARCH)) if line[1]]
    assert cited == [
        ("CH-02", "2026-01/1", "2.50"),
        ("service_credit", "2026-01/1", "-0.25"),
    ]


def test_sealed_months_count_as_they_were_sealed(scene: Scene) -> None:
    scene.correct("corrected", allocations=PAID_LATE, invoices=MORE)
    scene.settle(FEBRUARY)
    history = scene.session.get_one(
        SettlementRecord,
        get_settled_period(scene.session, scene.manager, scene.engagement, FEBRUARY).settlement.id,
    )
    kept = json.loads(history.inputs_json or "{}")
    assert list(kept["sealed"]) == ["2026-01"]
    (january, _) = measurement_history(scene.session, scene.engagement, FEBRUARY.end)
    assert january.results[0].value == Decimal("33.3")


def test_late_relief_makes_a_restatement(scene: Scene) -> None:
    store = make_workshop(scene.folder).store
    claim = Claim(Relief({"invoices": frozenset({"I-2", "I-3"})}))
    new = NewRelief(ReliefKind.CLIENT_CAUSED, "Wrong addresses", "They were wrong", JANUARY, claim)
    with pytest.raises(Conflict, match="for a restatement"):
        propose_relief(scene.session, scene.manager, scene.engagement, new, store)
    late = replace(new, late=True)
    event = propose_relief(scene.session, scene.manager, scene.engagement, late, store)
    ruling = Ruling(grant=True, reason="agreed")
    decide_relief(scene.session, scene.client, scene.engagement, event.number, ruling)
    row = scene.restate(reason="relief RE-1")
    shown = get_restatement(scene.session, scene.manager, scene.engagement, JANUARY, 1)
    assert [(one.new_value, one.new_status) for one in shown.difference.levels] == [
        ("100.0", Status.MET)
    ]
    assert shown.difference.lines == ()
    assert shown.difference.credit == Decimal("-100.75")
    scene.seal(row)
    scene.settle(FEBRUARY)
    assert _lines(scene.invoice(FEBRUARY))[-1] == ("service_credit", "2026-01/1", "100.75")


def test_who_may_restate(scene: Scene) -> None:
    scene.correct("corrected", invoices=MORE)
    stranger = make_user(scene.session)
    with pytest.raises(NotFound):
        restate_period(
            scene.session,
            actor_of(stranger),
            scene.engagement,
            JANUARY,
            make_workshop(scene.folder),
            "mine",
        )
    with pytest.raises(Forbidden):
        restate_period(
            scene.session,
            scene.client,
            scene.engagement,
            JANUARY,
            make_workshop(scene.folder),
            "mine",
        )
    with pytest.raises(BadInput, match="needs a reason"):
        scene.restate(reason=" ")
    row = scene.restate()
    submit_restatement(scene.session, scene.manager, scene.engagement, row)
    provider = make_member(scene.session, scene.engagement, Role.PROVIDER_FINANCE)
    with pytest.raises(Forbidden):
        seal_restatement(scene.session, provider, scene.engagement, row, load_catalogue())


def test_a_decided_value_is_settled_with_and_stands_in_a_restatement(
    session: Session, tmp_path: Path
) -> None:
    manager = actor_of(make_user(session), LATER)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, tmp_path)
    agree(session, engagement)
    client = replace(make_member(session, engagement, Role.CLIENT_COMMITTEE), at=LATER)
    made = Scene(session, manager, client, engagement, tmp_path)
    made.settle(JANUARY)
    submission = submit_period(session, manager, engagement, JANUARY)
    review = review_of(session, engagement, JANUARY)
    assert review is not None
    item = review.items[0].item.id
    contest_item(session, client, engagement, submission, item, reason="a bank file is missing")
    proposal = Proposal(Decision.VALUE, "counted by hand", "85.0")
    propose_decision(session, manager, engagement, submission, item, proposal=proposal)
    answer_proposal(session, client, engagement, submission, item, accepts=True, reason="agreed")
    made.settle(JANUARY)
    settled = get_settled_period(session, manager, engagement, JANUARY)
    (level,) = settled.measurements
    assert (level.value, level.status) == ("85.0", Status.MET)
    assert json.loads(level.computed_json or "{}")["value"] == "33.3"
    assert settled.credit_total is not None
    assert settled.credit_total.credit_minor == 0
    made.seal_period(JANUARY)
    made.correct("corrected", invoices=MORE)
    made.restate()
    shown = get_restatement(session, manager, engagement, JANUARY, 1)
    assert shown.difference.levels == ()
    assert shown.difference.charges == Decimal("2.50")


def test_an_amendment_governs_its_own_months_only(session: Session, tmp_path: Path) -> None:
    """March is judged by the amendment, January and February by the first version."""
    manager = actor_of(make_user(session), LATER)
    engagement = make_engagement(session, manager)
    make_evidence(session, manager, engagement, tmp_path)
    amended = contract_bytes(expected="20.0").replace(b'minimum: "50.0"', b'minimum: "10.0"')
    add_contract(session, manager, "v2.yaml", amended, effective_from=MARCH.start)
    agree(session, engagement)
    made = Scene(session, manager, manager, engagement, tmp_path)
    for month, version in ((JANUARY, 1), (FEBRUARY, 1), (MARCH, 2)):
        made.settle(month)
        found = get_settled_period(session, manager, engagement, month)
        assert [one.version_number for one in found.measurements] == [version]
    statuses = [
        one.results[0].status for one in measurement_history(session, engagement, MARCH.end)
    ]
    assert statuses[0] is Status.BELOW_MINIMUM
