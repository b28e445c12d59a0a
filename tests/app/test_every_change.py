"""Every table that can change leaves an entry in the log, and names what happened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.audit_log import sequence
from app.database import METADATA, session_scope
from app.security.accounts import close_account, erase_account, reopen_account
from app.security.sessions import end_session, start_session, touch_session
from app.settings import Settings
from billing.invoices.approving import (
    approve_invoice,
    check_invoice,
    take_back_approval,
    take_back_check,
)
from billing.invoices.issuing import commit_issue, prepare_issue
from billing.invoices.rendering import keep_pdf, render_pdf
from billing.settlement.reviewing import seal_period, submit_period
from billing.settlement.service import Workshop, settle_period
from governance.access import Actor, DutyConflict, Role, Side
from governance.audit.entries import decode_entry
from governance.audit.exports import record_export
from governance.audit.models import NOT_AUDITED, Action, AuditEntry
from governance.audit.rows import is_audited
from governance.engagements.acceptance import accept_contract
from governance.engagements.access_reviews import complete_review, decide_on_role, start_review
from governance.engagements.exceptions import grant_exception, revoke_exception
from governance.engagements.members import (
    Member,
    Term,
    add_member,
    change_term,
    remove_member,
)
from governance.engagements.models import Engagement, ReviewDecision
from governance.engagements.service import add_contract, contract_versions
from governance.parties.models import User
from governance.parties.operators import appoint_operator, dismiss_operator
from governance.parties.service import (
    NewUser,
    authenticate,
    create_user,
    organisation_of,
    set_password,
)
from governance.tenancy import EVERYTHING
from sla.evidence.service import Upload, hand_in
from sla.reviews.deciding import answer_proposal, propose_decision
from sla.reviews.judging import agree_items, contest_item, reply, withdraw_contest
from sla.reviews.queries import review_of
from sla.reviews.service import begin_review, recall_figures
from sla.reviews.turns import Proposal
from sla.reviews.values import Ruling
from sla.trends.service import update_trends
from tests.app.security.account_services import use_every_account_service
from tests.app.security.factors import use_every_factor
from tests.billing.corrections.services import use_corrections
from tests.billing.credit_notes.services import use_credit_notes_and_disputes
from tests.billing.deliveries.services import use_deliveries
from tests.billing.payments.services import use_payments
from tests.billing.provider_invoices.services import use_provider_invoices
from tests.billing.reminders.services import use_reminders_and_statements
from tests.billing.restatements.services import use_relief_and_restatements
from tests.billing.runs.billed import redraw_pack
from tests.billing.settlement.claims import use_claims_and_incidents
from tests.billing.simulation.services import simulate_a_draft
from tests.factories import (
    JANUARY,
    NOW,
    PASSWORD,
    RECEIPTS,
    actor_of,
    contract_bytes,
    make_contract,
    make_employee,
    make_member,
    make_user,
    make_workshop,
    write_evidence_folder,
)
from tests.governance.audit.logs import check, complaints, keys_in
from tests.governance.runs.services import run_in_every_way
from tests.importing import import_in_every_way


def _do_everything(session: Session, folder: Path) -> None:
    """Each service that changes anything, at least once."""
    workshop = make_workshop(folder)
    actor = actor_of(make_user(session))
    engagement = make_contract(session, actor).engagement
    add_contract(session, actor, "v2.yaml", contract_bytes(expected="90.0"))
    user = create_user(
        session,
        actor,
        organisation_of(session, actor.signed_in_id),
        NewUser("grace@example.org", "Grace Hopper", PASSWORD),
    )
    set_password(session, actor, user, PASSWORD + " again")
    assert authenticate(session, "grace@example.org", PASSWORD, NOW) is None
    assert authenticate(session, "grace@example.org", PASSWORD + " again", NOW)
    token = start_session(session, user, NOW)
    touch_session(session, token, NOW)
    end_session(session, token, actor_of(user))
    use_every_factor(session, Settings(data_dir=folder), make_user(session))
    chair = _do_duties(session, actor, engagement, user)
    for more in ("", "R-3,C-2,2026-02-11,EUR,5.00\n"):
        source = write_evidence_folder(folder / f"evidence{len(more)}", receipts=RECEIPTS + more)
        hand_in(session, actor, engagement, Upload(source, "ledgers"), workshop.store)
    settle_period(session, actor, engagement, JANUARY, workshop)
    settle_period(session, actor, engagement, JANUARY, workshop)
    redraw_pack(session, actor, engagement)
    submitter = _review_figures(session, actor, chair, engagement, workshop)
    submit_period(session, submitter, engagement, JANUARY)
    seal_period(session, chair, engagement, JANUARY, workshop.catalogue)
    update_trends(session, actor, engagement, workshop.store, workshop.catalogue)
    _review_access(session, chair, engagement)
    record_export(session, chair, engagement.id, "pack.pdf", sha256="0" * 64, size=1)
    _bill(session, engagement, workshop)
    use_payments(session, engagement)
    use_credit_notes_and_disputes(session, engagement)
    use_deliveries(session, Settings(data_dir=folder), engagement)
    use_corrections(session, engagement)
    use_provider_invoices(session, engagement)
    use_relief_and_restatements(session, actor, chair, engagement, workshop)
    use_reminders_and_statements(session)
    simulate_a_draft(session, actor, engagement)
    run_in_every_way(session, actor, engagement)
    use_claims_and_incidents(session, folder / "claims")
    import_in_every_way(session, actor, engagement, folder, workshop.store)
    use_every_account_service(session, Settings(data_dir=folder), actor, engagement)
    # The account of the last operator couldn't be closed.
    appoint_operator(session, Actor(None, "command line", NOW), make_user(session))
    close_account(session, actor, user)
    reopen_account(session, actor, user)
    erase_account(session, actor, user)


def _bill(session: Session, engagement: Engagement, workshop: Workshop) -> None:
    """Every step of an invoice's life, back and forth, and its PDF apart from the issue."""
    checker, issuer = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    place = (engagement, JANUARY)
    check_invoice(session, checker, *place)
    take_back_check(session, checker, *place, "the order number is missing")
    check_invoice(session, checker, *place)
    approve_invoice(session, issuer, *place)
    take_back_approval(session, issuer, *place, "the client asked to wait")
    approve_invoice(session, issuer, *place)
    commit_issue(session, issuer, engagement, prepare_issue(session, issuer, *place, workshop))
    keep_pdf(session, issuer, engagement, render_pdf(session, issuer, *place, workshop))


def _review_figures(
    session: Session, actor: Actor, chair: Actor, engagement: Engagement, workshop: Workshop
) -> Actor:
    """Everything that both sides do before the seal; answers with somebody who submits."""
    submitter = make_member(session, engagement, Role.PROVIDER_FINANCE)
    recall_figures(
        session, submitter, engagement, submit_period(session, submitter, engagement, JANUARY)
    )
    submission = submit_period(session, submitter, engagement, JANUARY)
    begin_review(session, chair, engagement, submission)
    review = review_of(session, engagement, JANUARY)
    assert review is not None
    first, *others = [one.item.id for one in review.items]
    place = (session, chair, engagement, submission)
    agree_items(*place, others)
    contest_item(*place, first, reason="the bank file of the 18th is missing")
    withdraw_contest(*place, first)
    contest_item(*place, first, reason="it is missing all the same")
    reply(session, actor, engagement, submission, first, text="it was handed in on the 19th")
    for accepts in (False, True):
        proposal = Proposal(Ruling.UPHELD, "the bank confirms it")
        propose_decision(session, actor, engagement, submission, first, proposal=proposal)
        answer_proposal(*place, first, accepts=accepts, reason="as the minutes say")
    settle_period(session, actor, engagement, JANUARY, workshop)
    return submitter


def _do_duties(session: Session, actor: Actor, engagement: Engagement, user: User) -> Actor:
    """Roles, exceptions, acceptances of the contract, operators; answers with the chair."""
    chosen = make_employee(session, engagement, Side.CLIENT)
    add_member(session, actor, engagement, chosen, Role.COMMITTEE_CHAIR)
    chair = actor_of(chosen)
    for version in contract_versions(session, actor, engagement):
        accept_contract(session, chair, engagement, version)
    membership = add_member(session, actor, engagement, user, Role.PROVIDER_FINANCE)
    change_term(session, actor, engagement, Member(user, membership), Term(ends_on=NOW.date()))
    remove_member(session, actor, engagement, Member(user, membership))
    granted = grant_exception(
        session,
        chair,
        engagement,
        user,
        DutyConflict.PREPARES_AND_ISSUES,
        reason="a team of two",
    )
    revoke_exception(session, chair, engagement, granted.id)
    server = Actor(None, "command line", NOW)
    for one in (user, chosen):
        appoint_operator(session, server, one)
    dismiss_operator(session, actor_of(user), chosen)
    return chair


def _review_access(session: Session, chair: Actor, engagement: Engagement) -> None:
    """Every role stays but the chair's own, on which nobody decides."""
    review = start_review(session, chair, engagement)
    for one in review.roles:
        if one.item.user_id != chair.user_id:
            decide_on_role(
                session,
                chair,
                engagement,
                review.review.id,
                one.item.id,
                decision=ReviewDecision.KEEP,
            )
    complete_review(session, chair, engagement, review.review.id)


def test_every_change_is_in_the_log_and_named_by_its_service(
    fresh_engine: Engine, tmp_path: Path
) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        _do_everything(session, tmp_path)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        entries = [decode_entry(data) for data in session.scalars(select(col(AuditEntry.data)))]
        actions = set(session.scalars(select(col(AuditEntry.action))))
        filled = {
            name
            for name, table in METADATA.tables.items()
            if session.execute(select(func.count()).select_from(table)).scalar_one()
        }
    _check_tables(filled, {table for fields in entries for table, _, _ in fields["rows"]})
    _check_names(actions)
    keys = keys_in(tmp_path)
    sequence(fresh_engine, keys)
    assert complaints(check(fresh_engine, keys)) == []


def _check_tables(filled: set[str], named: set[str]) -> None:
    audited = {name for name, table in METADATA.tables.items() if is_audited(table)}
    assert audited - filled == set(), "let a service fill these tables in this test"
    assert named == audited


def _check_names(actions: set[Action]) -> None:
    assert Action.ROWS_CHANGED not in actions
    unrecorded = {Action.ROWS_CHANGED, Action.SCHEMA_MIGRATED, Action.LOG_EXPORTED}
    unrecorded |= {Action.BACKUP_MADE, Action.BACKUP_RESTORED}
    unrecorded |= {Action.LOG_KEY_CHANGED, Action.REASON_ERASED, Action.ACCESS_REFUSED}
    unrecorded |= {Action.FIGURES_ACCEPTED}
    assert set(Action) - actions <= unrecorded | {Action.EVIDENCE_REJECTED}


def test_tables_outside_the_log_say_why() -> None:
    outside = {name: table for name, table in METADATA.tables.items() if not is_audited(table)}
    passing = {
        "sign_in_session",
        "passkey_challenge",
        "single_sign_on_attempt",
        "api_token_use",
        "throttle",
        "outbox_mail",
        "import_draft",
        "kpi_definition",
        "simulation_work",
        "run",
        "run_item",
    }
    assert set(outside) == passing | {name for name in METADATA.tables if name.startswith("audit_")}
    assert all(table.info[NOT_AUDITED] for table in outside.values())


def test_a_change_that_no_service_names_is_recorded_all_the_same(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        user = make_user(session)
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        session.delete(session.merge(user))
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        made, gone = session.scalars(select(AuditEntry).order_by(col(AuditEntry.id)))
    assert {made.action, gone.action} == {Action.ROWS_CHANGED}
    key = str(user.id)
    assert ["user_account", key, None] in decode_entry(gone.data)["rows"]
    assert "user_account" in {table for table, *_ in decode_entry(made.data)["rows"]}


def test_a_change_of_many_rows_carries_on_in_further_entries(fresh_engine: Engine) -> None:
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        for _ in range(650):
            make_user(session)
    with session_scope(fresh_engine, sees=EVERYTHING, read_only=True) as session:
        entries = session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    rows = [decode_entry(entry.data)["rows"] for entry in entries]
    assert [len(part) for part in rows] == [300, 300, 51]
    assert decode_entry(entries[1].data)["after"] == {"continues": entries[0].uid}
