"""Two engagements of the same parties, one of others, and a person for each column of the matrix.

Every state that matters stands in ENG-1 beside the others: a period open, one settled, one
submitted, one under review, one sealed and one issued, a version of the contract accepted and one
proposed. So nothing has to be built between requests, only put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from litestar import Litestar
from sqlalchemy import update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.asgi import create_app
from app.audit_log import key_folder, sequence
from app.database import session_scope
from app.security.api_tokens import NewToken, make_token, offered_scopes
from app.security.models import Proof, SignInSession
from app.security.sessions import start_session
from app.settings import Settings
from billing.credit_notes.calculation import ByLine
from billing.credit_notes.queries import issued_of_period
from billing.credit_notes.service import draw_up
from billing.disputes.models import DisputeSubject
from billing.disputes.service import NewDispute, raise_dispute
from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.service import issue_invoice
from billing.payments.models import WriteOffKind
from billing.payments.queries import issued_invoices
from billing.payments.recording import NewPayment, record_payment
from billing.payments.write_offs import NewWriteOff, propose_write_off
from billing.restatements.service import restate_period
from billing.settlement.reviewing import seal_period, submit_period
from billing.settlement.service import settle_period
from governance.access import Actor, Permission, Role, Side
from governance.audit.models import AuditEntry
from governance.engagements.acceptance import accept_contract
from governance.engagements.models import (
    Engagement,
)
from governance.engagements.service import add_contract
from governance.engagements.versions import versions_of
from governance.parties.models import Membership, OperatorTerm, OrganisationKind, User
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.service import Upload, hand_in
from sla.relief.claims import read_document
from sla.relief.service import NewRelief, Ruling, decide_relief, propose_relief
from sla.relief.values import Claim, ReliefKind
from sla.reviews.judging import contest_item
from sla.reviews.models import FiguresSubmission
from sla.reviews.queries import review_of
from sla.trends.service import update_trends
from tests.app.web.matrix_rows import Rows
from tests.factories import (
    ALLOCATIONS,
    RECEIPTS,
    TextRenderer,
    contract_bytes,
    make_user,
    write_evidence_folder,
)

CLIENT = "Nordlicht Handel GmbH"
PROVIDER = "Clearwater Receivables Ltd"
OTHER_CLIENT, OTHER_PROVIDER = "Others AG", "Others Ltd"
OWN, SAME_PARTIES, OTHER_TENANT = "ENG-1", "ENG-3", "ENG-2"
PERIODS = {
    "open": "2026-06",
    "settled": "2026-05",
    "submitted": "2026-04",
    "under_review": "2026-03",
    "sealed": "2026-02",
    "issued": "2026-01",
}
VERSIONS = {"accepted": "1", "proposed": "2"}
ROLES = {
    "manager": Role.PROVIDER_ACCOUNT_MANAGER,
    "provider_finance": Role.PROVIDER_FINANCE,
    "committee": Role.CLIENT_COMMITTEE,
    "chair": Role.COMMITTEE_CHAIR,
    "client_finance": Role.CLIENT_FINANCE,
    "auditor": Role.AUDITOR,
}


@dataclass
class MatrixWorld:
    """The application, who asks, and what the parts of addresses stand for."""

    app: Litestar
    settings: Settings
    people: dict[str, User] = field(default_factory=dict)
    """The user of each column that has one."""
    sessions: dict[str, str] = field(default_factory=dict)
    """The secret in the session's cookie, of each column that has one."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The API token of each column that has one."""
    own: dict[str, str] = field(default_factory=dict)
    """Parts of addresses below ENG-1, by their name in the route."""
    foreign: dict[str, str] = field(default_factory=dict)
    """The same below ENG-2."""
    installation: dict[str, str] = field(default_factory=dict)
    """The same, of what belongs to no engagement."""
    submissions: dict[str, str] = field(default_factory=dict)
    """The number of each submission in ENG-1, by the label of its period."""
    invoice_number: str = ""
    """The number of ENG-1's issued invoice."""
    personal: dict[str, dict[str, str]] = field(default_factory=dict)
    """The same, of each column's own account; under `stranger` of somebody else's."""


def make_matrix_world(
    template: Path, folder: Path, public_url: str = "https://plumbline.example"
) -> MatrixWorld:
    """The world in `folder`, whose database is a copy of `template`.

    It is built once a process and address, and copied from then on.
    """
    original = _built(template, public_url)
    shutil.copytree(original.settings.data_dir, folder, dirs_exist_ok=True)
    settings = _settings(folder, public_url)
    known = {
        one.name: copy(getattr(original, one.name))
        for one in fields(MatrixWorld)
        if one.name not in {"app", "settings"}
    }
    world = MatrixWorld(create_app(settings, TextRenderer()), settings, **known)
    _sign_in_now(world)
    return world


def _sign_in_now(world: MatrixWorld) -> None:
    """Let all sessions have begun just now, as they end soon after."""
    now = datetime.now(UTC)
    every = update(SignInSession)
    whole = every.where(col(SignInSession.completed_at).is_not(None))
    with session_scope(world.app.state.engine) as session:
        session.execute(every.values(created_at=now, last_seen_at=now))
        session.execute(whole.values(completed_at=now, confirmed_at=now))


@cache
def _built(template: Path, public_url: str) -> MatrixWorld:
    """A world that no test asks anything."""
    folder = Path(mkdtemp(dir=template.parent))
    shutil.copyfile(template, folder / "plumbline.db")
    settings = _settings(folder, public_url)
    world = MatrixWorld(create_app(settings, TextRenderer()), settings)
    engine = world.app.state.engine
    with session_scope(engine, sees=EVERYTHING) as session:
        builder = _Builder(session, world, folder)
        builder.build()
    sequence(engine, key_folder(settings))
    engine.dispose()
    return world


def _settings(folder: Path, public_url: str) -> Settings:
    return Settings(
        data_dir=folder,
        database_url="",
        public_url=public_url,
        environment="development",
        strong_sign_in_roles=list(Role),
    )


class _Builder:
    """Fills a world in one transaction."""

    def __init__(self, session: Session, world: MatrixWorld, folder: Path) -> None:
        self._session, self._world, self._folder = session, world, folder
        self._now = datetime.now(UTC)
        self._rows = Rows(session, self._now, world.app.state.workshop.store)

    def build(self) -> None:
        """Engagements first, then people, then what hangs on both."""
        preparer = self._actor(self._user(OrganisationKind.PROVIDER, PROVIDER))
        stranger = self._actor(self._user(OrganisationKind.PROVIDER, OTHER_PROVIDER))
        own = self._engagement(preparer, OWN, CLIENT, PROVIDER)
        self._engagement(preparer, SAME_PARTIES, CLIENT, PROVIDER)
        other = self._engagement(stranger, OTHER_TENANT, OTHER_CLIENT, OTHER_PROVIDER)
        self._people(own)
        self._contract(preparer, own)
        self._periods(preparer, own)
        self._notes(preparer, own)
        self._relief(preparer, own)
        self._payments(own)
        finance = self._world.people["provider_finance"]
        self._world.own |= self._rows.of_engagement(own, finance.id)
        self._world.foreign |= self._rows.of_engagement(other, stranger.signed_in_id)
        self._sessions()
        self._of_the_installation(preparer)
        self._tokens()
        self._accounts(stranger)

    def _payments(self, own: Engagement) -> None:
        """A payment, and a write-off that the provider's finance proposes."""
        finance = self._actor(self._world.people["provider_finance"])
        new = NewPayment(self._now.date(), "EUR", 10000)
        record_payment(self._session, finance, own, new)
        invoice = issued_invoices(self._session, own)[0].id
        given_up = NewWriteOff(invoice, 1, WriteOffKind.OTHER, "a cent")
        propose_write_off(self._session, finance, own, given_up)

    def _user(self, kind: OrganisationKind, organisation: str) -> User:
        return make_user(self._session, kind, organisation)

    def _actor(self, user: User) -> Actor:
        return Actor(user.id, user.name, self._now, "matrix")

    def _engagement(self, actor: Actor, reference: str, client: str, provider: str) -> Engagement:
        # Each has ledgers of its own, as tables are named by their content.
        usual = contract_bytes(reference, client=client, provider=provider)
        # Its credits can be claimed for years, whatever day the tests run on.
        document = usual.replace(b"percent: 10\n", b"percent: 10\n  claim_within_days: 5000\n")
        engagement = add_contract(self._session, actor, "contract.yaml", document).engagement
        receipt = f"{reference},C-1,2026-01-18,EUR,100.00\n"
        allocation = f"{reference},I-1,100.00,2026-01-18\n"
        folder = write_evidence_folder(
            self._folder / reference,
            receipts=RECEIPTS.splitlines(keepends=True)[0] + receipt,
            allocations=ALLOCATIONS.splitlines(keepends=True)[0] + allocation,
        )
        store = self._world.settings.evidence_dir
        hand_in(self._session, actor, engagement, Upload(folder, "ledgers"), store)
        return engagement

    def _people(self, own: Engagement) -> None:
        people = self._world.people
        for name, role in ROLES.items():
            people[name] = self._member(own, role)
        people["half_signed_in"] = self._member(own, Role.PROVIDER_ACCOUNT_MANAGER)
        people["must_enrol"] = self._member(own, Role.PROVIDER_ACCOUNT_MANAGER)
        people["no_role"] = self._user(OrganisationKind.PROVIDER, PROVIDER)
        people["operator"] = self._user(OrganisationKind.OPERATOR, "Operations")
        self._session.add(OperatorTerm(user_id=people["operator"].id, granted_at=self._now))
        self._session.flush()

    def _member(self, engagement: Engagement, role: Role) -> User:
        employers: dict[Side | None, Callable[[], User]] = {
            Side.CLIENT: lambda: self._user(OrganisationKind.CLIENT, CLIENT),
            Side.PROVIDER: lambda: self._user(OrganisationKind.PROVIDER, PROVIDER),
            None: lambda: self._user(OrganisationKind.CLIENT, "Auditors GmbH"),
        }
        user = employers[role.side]()
        self._session.add(Membership(user_id=user.id, engagement_id=engagement.id, role=role))
        self._session.flush()
        return user

    def _contract(self, preparer: Actor, own: Engagement) -> None:
        """The first version is agreed, a second one proposed."""
        chair = self._actor(self._world.people["chair"])
        for version in versions_of(self._session, own):
            accept_contract(self._session, chair, own, version)
        document = contract_bytes(OWN, client=CLIENT, provider=PROVIDER, expected="81.0")
        add_contract(self._session, preparer, "contract.yaml", document)

    def _periods(self, preparer: Actor, own: Engagement) -> None:
        """The preparer settles and submits, a client seals, two others check and approve.

        Of the two invoices approved, the provider's finance issues one.
        """
        workshop = self._world.app.state.workshop
        client = self._actor(self._world.people["committee"])
        for state in ("settled", "submitted", "under_review", "sealed", "issued"):
            period = Period.parse(PERIODS[state])
            settle_period(self._session, preparer, own, period, workshop)
            if state == "settled":
                continue
            submission = submit_period(self._session, preparer, own, period)
            self._world.submissions[period.label] = str(submission.id)
            if state == "under_review":
                self._contest(client, own, submission)
            elif state != "submitted":
                seal_period(self._session, client, own, period, workshop.catalogue)
        issuer = self._actor(self._world.people["provider_finance"])
        approver = self._actor(self._world.people["manager"])
        for state in ("sealed", "issued"):
            period = Period.parse(PERIODS[state])
            check_invoice(self._session, issuer, own, period)
            approve_invoice(self._session, approver, own, period)
        issue_invoice(self._session, issuer, own, Period.parse(PERIODS["issued"]), workshop)
        update_trends(self._session, preparer, own, workshop.store, workshop.catalogue)

    def _notes(self, preparer: Actor, own: Engagement) -> None:
        """Of the issued invoice a credit note is drawn up, and a line is disputed."""
        period, client = Period.parse(PERIODS["issued"]), self._world.people["client_finance"]
        invoice = issued_of_period(self._session, preparer, own, period).invoice
        part = ByLine({1: Decimal("1.00")})
        note = draw_up(self._session, preparer, own, invoice, part, "it was less")
        new = NewDispute(DisputeSubject.LINE, "it was less", Decimal("5.00"), 1)
        dispute = raise_dispute(self._session, self._actor(client), own, invoice, new)
        self._world.own |= {"note": str(note.draft_number), "dispute": str(dispute.number)}
        self._world.invoice_number = invoice.number or ""

    def _relief(self, preparer: Actor, own: Engagement) -> None:
        """One event is granted and restates the sealed period, another one waits."""
        workshop = self._world.app.state.workshop
        client = self._actor(self._world.people["committee"])
        sealed = Period.parse(PERIODS["sealed"])
        claim = Claim(excused=True)
        new = NewRelief(
            ReliefKind.MAINTENANCE, "Upgrade", "It was agreed", sealed, claim, late=True
        )
        granted = propose_relief(self._session, preparer, own, new, workshop.store)
        ruling = Ruling(grant=True, reason="it was")
        decide_relief(self._session, client, own, granted.number, ruling)
        waiting = replace(
            new,
            period=Period.parse(PERIODS["open"]),
            document=read_document("proof.txt", b"a letter"),
            late=False,
        )
        event = propose_relief(self._session, preparer, own, waiting, workshop.store)
        row = restate_period(self._session, preparer, own, sealed, workshop, "relief RE-1")
        self._world.own |= {"event": str(event.number), "restatement": str(row.number)}

    def _contest(self, client: Actor, own: Engagement, submission: FiguresSubmission) -> None:
        """One figure is contested, and nothing is said of the others."""
        review = review_of(self._session, own, Period.parse(PERIODS["under_review"]))
        assert review is not None
        item_id = review.items[0].item.id
        contest_item(self._session, client, own, submission, item_id, reason="it is wrong")
        self._world.own["figure_id"] = self._world.foreign["figure_id"] = str(item_id)

    def _of_the_installation(self, preparer: Actor) -> None:
        invitation = self._rows.invitation(None, self._world.people["no_role"].organisation_id)
        self._rows.add(invitation)
        entry = self._rows.first(AuditEntry, AuditEntry.engagement_id, None)
        parts = {"invitation_id": str(invitation.id), "uid": entry.uid}
        self._world.installation |= parts | {"user_id": str(preparer.user_id)}

    def _accounts(self, stranger: Actor) -> None:
        """A second session, a token and a passkey of every account."""
        users = {**self._world.people, "stranger": self._session.get_one(User, stranger.user_id)}
        for name, user in users.items():
            self._world.personal[name] = self._rows.of_account(name, user)

    def _sessions(self) -> None:
        for name, user in self._world.people.items():
            weak = name in {"must_enrol", "half_signed_in"}
            proof = Proof.PASSWORD if weak else Proof.PASSWORD_AND_CODE
            whole: dict[str, Any] = {"complete": name != "half_signed_in"}
            secret = start_session(self._session, user, self._now, proof, **whole)
            self._world.sessions[name] = secret

    def _tokens(self) -> None:
        """Two of the manager's: one for all that the manager may do, one for duties only."""
        actor = self._actor(self._world.people["manager"])
        everything = frozenset(offered_scopes(self._session, actor, operator=False))
        wanted = {"token": everything, "token_without": frozenset({Permission.VIEW_DUTIES})}
        tomorrow = self._now.date() + timedelta(days=1)
        for name, scopes in wanted.items():
            _, text = make_token(self._session, actor, NewToken(name, scopes, tomorrow))
            self._world.tokens[name] = text
