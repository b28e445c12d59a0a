"""Claims and incidents, from the client's act to the invoice that a credit comes off."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from billing.invoices.drafts import invoice_of
from billing.invoices.service import issue_invoice
from billing.restatements.reviewing import seal_restatement, submit_restatement
from billing.restatements.service import restate_period
from billing.settlement.claims import came_off
from billing.settlement.credit_history import credit_history, credit_of_period
from billing.settlement.models import DocumentKind, SettlementRecord
from billing.settlement.queries import documents_of
from billing.settlement.reviewing import apply_decisions, seal_period, submit_period
from governance.access import Actor, Role
from governance.errors import BadInput, Conflict, Forbidden, NotFound
from governance.values import Period
from sla.claims.incidents import NewIncident, mark_incident, remove_incident
from sla.claims.service import claim_credit, claim_view_of, claim_views, lapse_credits
from sla.relief.service import NewRelief, Ruling, decide_relief, propose_relief
from sla.relief.values import Claim, Relief, ReliefKind
from sla.reviews.models import FiguresSubmission
from sla.service_credits.values import ClaimState
from tests.billing.settlement.claims import Scene, at, claim_contract, make_scene
from tests.factories import FEBRUARY, JANUARY, check_and_approve, make_member


def _credit(session: Session, row: SettlementRecord) -> Decimal:
    invoice = invoice_of(session, row)
    return invoice.money(invoice.service_credit_minor).amount


def _stated(session: Session, row: SettlementRecord) -> list[dict[str, Any]]:
    document = documents_of(session, row)[DocumentKind.INVOICE]
    return list(json.loads(document.data)["service_credits"])


@pytest.fixture
def scene(session: Session, tmp_path: Path) -> Scene:
    return make_scene(session, tmp_path)


def test_an_unclaimed_credit_comes_off_no_invoice(scene: Scene) -> None:
    row = scene.settle(JANUARY)
    assert _credit(scene.session, row) == 0
    (stated,) = _stated(scene.session, row)
    assert (stated["claim"], stated["credit"], stated["misses"]) == ("open", "0.00", [])
    (view,) = claim_views(scene.session, scene.engagement, scene.provider.at)[:1]
    assert view.amount is not None
    assert view.amount.amount > 0
    assert view.may_be_claimed
    assert came_off(scene.session, scene.engagement) == {}


def test_a_claim_before_the_period_is_settled_again_comes_off_its_own_invoice(
    scene: Scene,
) -> None:
    scene.settle(JANUARY)
    claim_credit(scene.session, scene.client, scene.engagement, JANUARY)
    row = scene.settle(JANUARY)
    amount = claim_views(scene.session, scene.engagement, scene.client.at)[0].amount
    assert amount is not None
    assert _credit(scene.session, row) == amount.amount
    assert came_off(scene.session, scene.engagement) == {JANUARY: JANUARY}


def test_a_credit_can_be_claimed_before_it_is_computed(scene: Scene) -> None:
    claimed = claim_credit(scene.session, scene.client, scene.engagement, JANUARY)
    assert claimed.amount is None
    assert _credit(scene.session, scene.settle(JANUARY)) > 0


def test_a_claim_after_the_seal_comes_off_the_next_invoice_exactly_once(scene: Scene) -> None:
    session, engagement = scene.session, scene.engagement
    scene.settle(JANUARY)
    scene.seal(JANUARY)
    before = _credit(session, scene.settle(FEBRUARY))
    claim_credit(session, scene.client, engagement, JANUARY)
    row = scene.settle(FEBRUARY)
    assert _credit(session, row) > before
    assert came_off(session, engagement)[JANUARY] == FEBRUARY
    again = scene.settle(FEBRUARY)
    assert _credit(session, again) == _credit(session, row)
    scene.seal(FEBRUARY)
    issuer = check_and_approve(session, engagement, FEBRUARY)
    issue_invoice(session, issuer, engagement, FEBRUARY, scene.workshop)
    march = FEBRUARY.following()
    later = Scene(session, engagement, at(scene.provider, 4, 2), scene.client, scene.workshop)
    later.settle(march)
    assert came_off(session, engagement)[JANUARY] == FEBRUARY


def test_a_claim_waits_for_the_seal_of_the_credits_own_invoice(scene: Scene) -> None:
    session = scene.session
    scene.settle(JANUARY)
    claim_credit(session, scene.client, scene.engagement, JANUARY)
    assert _credit(session, scene.settle(FEBRUARY)) == 0
    scene.seal(JANUARY)
    assert _credit(session, scene.settle(FEBRUARY)) > 0


def test_claims_are_refused_with_the_reason(scene: Scene) -> None:
    session, engagement, client = scene.session, scene.engagement, scene.client
    with pytest.raises(Forbidden):
        claim_credit(session, scene.provider, engagement, JANUARY)
    with pytest.raises(Conflict, match="asks for no claim"):
        claim_credit(session, client, engagement, FEBRUARY.following())
    scene.settle(JANUARY)
    with pytest.raises(Conflict, match="until 2026-04-01 and has lapsed"):
        claim_credit(session, at(client, 4, 2), engagement, JANUARY)
    claim_credit(session, at(client, 4, 1), engagement, JANUARY)
    with pytest.raises(Conflict, match="claimed already"):
        claim_credit(session, at(client, 4, 1), engagement, JANUARY)


def test_finance_and_the_chair_may_claim_too(scene: Scene) -> None:
    for month, role in ((JANUARY, Role.CLIENT_FINANCE), (FEBRUARY, Role.COMMITTEE_CHAIR)):
        member = make_member(scene.session, scene.engagement, role)
        assert claim_credit(scene.session, member, scene.engagement, month).claimed_on


def test_a_lapse_is_recorded_once_after_the_last_day(scene: Scene) -> None:
    session, engagement = scene.session, scene.engagement
    job = Actor(None, "claims", scene.client.at)
    scene.settle(JANUARY)
    assert lapse_credits(session, at(job, 4, 1), engagement) == []
    (row,) = lapse_credits(session, at(job, 4, 2), engagement)
    assert (row.state, row.decided_by_id) == (ClaimState.LAPSED, None)
    assert lapse_credits(session, at(job, 4, 3), engagement) == []
    with pytest.raises(Conflict, match="has lapsed"):
        claim_credit(session, at(scene.client, 4, 3), engagement, JANUARY)
    assert _credit(session, scene.settle(JANUARY)) == 0
    one = credit_of_period(session, scene.client, engagement, JANUARY, scene.client.at)
    assert one.credits.net == 0
    assert one.credits.credit > 0
    assert one.comes_off is None


def test_nothing_lapses_before_it_is_computed(scene: Scene) -> None:
    job = Actor(None, "claims", scene.client.at)
    assert lapse_credits(scene.session, at(job, 6, 1), scene.engagement) == []


def test_without_a_window_credits_come_off_by_themselves(session: Session, tmp_path: Path) -> None:
    scene = make_scene(session, tmp_path, claim_contract(within=None))
    row = scene.settle(JANUARY)
    assert _credit(session, row) > 0
    assert "claims" not in json.loads(row.inputs_json or "{}")
    assert claim_view_of(session, scene.engagement, JANUARY, scene.client.at) is None
    (one,) = credit_history(session, scene.client, scene.engagement, scene.client.at)
    assert (one.claim, one.comes_off) == (None, JANUARY)
    with pytest.raises(NotFound):
        credit_of_period(session, scene.client, scene.engagement, FEBRUARY, scene.client.at)


def _submitted(scene: Scene) -> FiguresSubmission:
    scene.settle(JANUARY)
    return submit_period(scene.session, scene.provider, scene.engagement, JANUARY)


def _levels(scene: Scene) -> dict[str, Decimal]:
    one = credit_of_period(scene.session, scene.client, scene.engagement, JANUARY, scene.client.at)
    return {level.id: level.before_cap for level in one.credits.service_levels}


BOTH = ("SL-01", "SL-02")


def test_misses_of_one_incident_count_once_after_the_next_calculation(scene: Scene) -> None:
    session, client, engagement = scene.session, scene.client, scene.engagement
    submission = _submitted(scene)
    before = _levels(scene)
    assert before == {"SL-01": Decimal("201.50"), "SL-02": Decimal("80.60")}
    row = mark_incident(session, client, engagement, submission, NewIncident(BOTH, "An outage"))
    assert row.reference == "INC-1"
    with pytest.raises(Conflict, match="of one incident; settle the period again"):
        seal_period(session, client, engagement, JANUARY, scene.workshop.catalogue)
    again = apply_decisions(session, scene.provider, engagement, JANUARY, scene.workshop)
    assert _levels(scene) == {"SL-01": before["SL-01"], "SL-02": Decimal("0.00")}
    seal_period(session, client, engagement, JANUARY, scene.workshop.catalogue)
    with pytest.raises(Conflict):
        remove_incident(session, client, engagement, again, row.number)


def test_the_client_chooses_which_counts_where_the_contract_says_so(
    session: Session, tmp_path: Path
) -> None:
    scene = make_scene(session, tmp_path, claim_contract(incidents="chosen"))
    submission = _submitted(scene)
    before = _levels(scene)
    place = (session, scene.client, scene.engagement, submission)
    with pytest.raises(BadInput, match="choose which miss"):
        mark_incident(*place, NewIncident(BOTH, "An outage"))
    row = mark_incident(*place, NewIncident(BOTH, "An outage", "SL-02"))
    again = apply_decisions(session, scene.provider, scene.engagement, JANUARY, scene.workshop)
    assert _levels(scene) == {"SL-01": Decimal("0.00"), "SL-02": before["SL-02"]}
    remove_incident(session, scene.client, scene.engagement, again, row.number)
    apply_decisions(session, scene.provider, scene.engagement, JANUARY, scene.workshop)
    assert _levels(scene) == before


@pytest.mark.parametrize(
    ("new", "what"),
    [
        (NewIncident(("SL-01",), "why"), "at least two misses"),
        (NewIncident(("SL-01", "SL-09"), "why"), "at least two misses"),
        (NewIncident(BOTH, "why", "SL-01"), "lets the largest credit"),
        (NewIncident(BOTH, " "), "say what happened"),
    ],
)
def test_incidents_are_refused_with_the_reason(scene: Scene, new: NewIncident, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        mark_incident(scene.session, scene.client, scene.engagement, _submitted(scene), new)


def test_a_miss_belongs_to_one_incident(scene: Scene) -> None:
    submission = _submitted(scene)
    place = (scene.session, scene.client, scene.engagement, submission)
    mark_incident(*place, NewIncident(BOTH, "An outage"))
    with pytest.raises(BadInput, match="SL-01, SL-02 belongs to INC-1 already"):
        mark_incident(*place, NewIncident(BOTH, "Another outage"))
    with pytest.raises(NotFound):
        remove_incident(*place, 2)


def test_the_provider_marks_no_incident(scene: Scene) -> None:
    submission = _submitted(scene)
    with pytest.raises(Forbidden):
        mark_incident(
            scene.session,
            scene.provider,
            scene.engagement,
            submission,
            NewIncident(BOTH, "An outage"),
        )


def test_the_engagements_last_invoice_waits_for_what_is_claimed(
    session: Session, tmp_path: Path
) -> None:
    contract = claim_contract().replace(
        b"  starts: 2026-01-01\n", b"  starts: 2026-01-01\n  ends: 2026-02-28\n"
    )
    scene = make_scene(session, tmp_path, contract)
    scene.settle(JANUARY)
    scene.seal(JANUARY)
    scene.settle(FEBRUARY)
    claim_credit(session, scene.client, scene.engagement, JANUARY)
    with pytest.raises(Conflict, match="this last invoice has to settle"):
        scene.seal(FEBRUARY)
    assert _credit(session, scene.settle(FEBRUARY)) > 0
    scene.seal(FEBRUARY)


def test_quarterly_invoices_take_a_late_claim_with_the_last_month(
    session: Session, tmp_path: Path
) -> None:
    contract = claim_contract(within=200).replace(b"every: month", b"every: quarter")
    scene = make_scene(session, tmp_path, contract)
    later = Scene(session, scene.engagement, at(scene.provider, 8, 3), scene.client, scene.workshop)
    march, june = (FEBRUARY.following(), FEBRUARY.following().following().following().following())
    months = list(Period(JANUARY.start, june.end).months())
    for month in months[:3]:
        later.settle(month)
        later.seal(month)
    claim_credit(session, at(scene.client, 7, 1), scene.engagement, JANUARY)
    for month in months[3:]:
        row = later.settle(month)
        if month != june:
            assert _credit(session, row) == 0
            later.seal(month)
    assert came_off(session, scene.engagement)[JANUARY] == june
    assert march not in came_off(session, scene.engagement).values()


def test_a_restated_credit_comes_off_once_whatever_is_claimed_when(scene: Scene) -> None:
    session, engagement, client = scene.session, scene.engagement, scene.client
    scene.settle(JANUARY)
    scene.seal(JANUARY)
    claim = Claim(Relief({"invoices": frozenset({"I-2"})}))
    new = NewRelief(ReliefKind.CLIENT_CAUSED, "Wrong", "It was", JANUARY, claim, late=True)
    event = propose_relief(session, scene.provider, engagement, new, scene.workshop.store)
    decide_relief(session, client, engagement, event.number, Ruling(grant=True, reason="yes"))
    row = restate_period(session, scene.provider, engagement, JANUARY, scene.workshop, "relief")
    submit_restatement(session, scene.provider, engagement, row)
    seal_restatement(session, client, engagement, row, scene.workshop.catalogue)
    unclaimed = scene.settle(FEBRUARY)
    assert _credit(session, unclaimed) == 0
    lines = json.loads(documents_of(session, unclaimed)[DocumentKind.INVOICE].data)["lines"]
    assert "service_credit" not in {line["charge"] for line in lines}
    claim_credit(session, client, engagement, JANUARY)
    claimed = scene.settle(FEBRUARY)
    restated = credit_of_period(session, client, engagement, JANUARY, client.at)
    assert restated.restatement == 1
    assert _credit(session, claimed) == restated.credits.credit
