"""Makes what services need: people, engagements, evidence; each call adds what is missing."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from sqlalchemy.orm import Session

from billing.invoices.approving import approve_invoice, check_invoice
from billing.invoices.fee_document import FeeDocument
from billing.invoices.values import Act
from billing.settlement.acceptance import agreement_of
from billing.settlement.reviewing import seal_period, submit_period
from billing.settlement.service import Workshop
from billing.settlement.values import InvoiceHeader, Settlement
from governance.access import LEADS, Actor, Role, Side
from governance.audit.checkpoints import Checkpoint
from governance.engagements.acceptance import accept_contract
from governance.engagements.models import Engagement
from governance.engagements.service import ContractAdded, add_contract
from governance.engagements.versions import is_accepted, versions_of
from governance.parties.models import Membership, OrganisationKind, User
from governance.parties.passwords import hash_password
from governance.parties.service import find_or_create_organisation
from governance.values import Period
from sla.evidence.intake import Prepared, Upload, put_in_store
from sla.evidence.models import EvidenceHandIn
from sla.evidence.reading import read_evidence
from sla.evidence.service import hand_in, keep, plan_hand_in
from sla.evidence.store import EvidenceStore
from sla.evidence.values import EvidenceSet
from sla.kpis.catalogue import load_catalogue
from sla.reviews.models import FiguresSeal

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
JANUARY = Period.month(2026, 1)
FEBRUARY = Period.month(2026, 2)
PASSWORD = "a long enough sentence"
_PASSWORD_HASH = hash_password(PASSWORD)
_NUMBERS = count(1)

_CONTRACT = """\
plumbline: 1
engagement:
  reference: {reference}
  title: Collections
  model: function_specific
  functions: [collections]
  client: {{name: {client}, country: DE}}
  provider: {{name: {provider}, country: IE}}
  currency: EUR
  time_zone: Europe/Berlin
  starts: 2026-01-01
service_levels:
  - id: SL-01
    title: Collected within terms
    clause: Schedule 2, 1
    kpi: collected_within_terms
    parameters: {{weight: count}}
    expected: "{expected}"
    minimum: "50.0"
    round_to: 1
    category: collections
    allocation: 100
service_credits:
  method: at_risk_pool
  at_risk_percent: 10
  categories: {{collections: 100}}
charges:
  - id: CH-01
    title: Service desk
    clause: Schedule 4, 1
    type: fixed
    amount: "1000.00"
    per: month
  - id: CH-02
    title: Invoices issued
    clause: Schedule 4, 2
    type: per_unit
    meter: invoices_issued
    pricing: {{scheme: flat, price: "2.50"}}
invoicing: {{every: month, due_days: 30, number: "{number}", tax: {{category: standard, rate: 19}}}}
"""

INVOICES = """\
invoice_id,customer_id,issue_date,due_date,currency,amount
I-1,C-1,2026-01-05,2026-01-20,EUR,100.00
I-2,C-1,2026-01-10,2026-01-25,EUR,200.00
I-3,C-2,2026-01-15,2026-01-30,EUR,300.00
I-4,C-2,2026-02-03,2026-02-20,EUR,400.00
"""
RECEIPTS = """\
receipt_id,customer_id,received_at,currency,amount
R-1,C-1,2026-01-18,EUR,100.00
R-2,C-2,2026-02-10,EUR,300.00
"""
ALLOCATIONS = """\
receipt_id,invoice_id,amount,applied_on
R-1,I-1,100.00,2026-01-18
R-2,I-3,300.00,2026-02-10
"""


def contract_bytes(
    reference: str = "ENG-1",
    *,
    client: str = "Nordlicht Handel GmbH",
    provider: str = "Clearwater Receivables Ltd",
    expected: str = "80.0",
    number: str = "CW-{year}-{sequence:05}",
) -> bytes:
    """A contract with one service level and two charges: 1 000.00 a month and 2.50 an invoice."""
    return _CONTRACT.format(
        reference=reference, client=client, provider=provider, expected=expected, number=number
    ).encode()


def make_user(
    session: Session,
    kind: OrganisationKind = OrganisationKind.PROVIDER,
    organisation: str = "Clearwater Receivables Ltd",
    country: str = "",
) -> User:
    """A user with an e-mail address of its own, whose password is PASSWORD."""
    country = country or {OrganisationKind.CLIENT: "DE"}.get(kind, "IE")
    employer = find_or_create_organisation(session, kind, organisation, country, NOW)
    email = f"person{next(_NUMBERS)}@example.org"
    user = User(
        email=email,
        email_key=email,
        name="Ada Person",
        password_hash=_PASSWORD_HASH,
        organisation_id=employer.id,
        created_at=NOW,
    )
    session.add(user)
    session.flush()
    return user


def actor_of(user: User, at: datetime = NOW) -> Actor:
    """The user, acting at a moment."""
    return Actor(user.id, user.name, at, "request-1")


def make_actor(session: Session) -> Actor:
    """A new user of a provider, acting."""
    return actor_of(make_user(session))


def make_contract(
    session: Session,
    actor: Actor,
    reference: str = "ENG-1",
    provider: str = "Clearwater Receivables Ltd",
) -> ContractAdded:
    """An engagement that the actor opened, who works for the client or this provider."""
    data = contract_bytes(reference, provider=provider)
    return add_contract(session, actor, "contract.yaml", data)


def make_engagement(session: Session, actor: Actor, reference: str = "ENG-1") -> Engagement:
    """The same, where only the engagement matters."""
    return make_contract(session, actor, reference).engagement


def make_employee(session: Session, engagement: Engagement, side: Side | None) -> User:
    """A new user who works for a party of the engagement; None is an auditing firm."""
    employers = {Side.CLIENT: engagement.client_id, Side.PROVIDER: engagement.provider_id}
    user = make_user(session, OrganisationKind.CLIENT, "Prüfhaus Audit GmbH")
    if side is not None:
        user.organisation_id = employers[side]
        session.flush()
    return user


def make_member(session: Session, engagement: Engagement, role: Role) -> Actor:
    """A new user in one role of an engagement, acting; an employee of the side that it is of."""
    return make_role(session, engagement, make_employee(session, engagement, role.side), role)


def make_role(session: Session, engagement: Engagement, user: User, role: Role) -> Actor:
    """A role of a user in an engagement, whether or not it could be given to them; acting."""
    session.add(Membership(user_id=user.id, engagement_id=engagement.id, role=role))
    session.flush()
    return actor_of(user)


def agree(session: Session, engagement: Engagement) -> None:
    """The lead of the other side accepts each version of the contract that is proposed."""
    for version in reversed(versions_of(session, engagement)):
        if version.added_side is not None and not is_accepted(session, version):
            other = {Side.CLIENT: Side.PROVIDER}.get(version.added_side, Side.CLIENT)
            lead = make_member(session, engagement, LEADS[other])
            accept_contract(session, lead, engagement, version)


def approve(session: Session, engagement: Engagement, period: Period) -> Actor:
    """Both sides agree to contract and figures, and the provider checks and approves the invoice.

    Answers with somebody who issues it.
    """
    agree(session, engagement)
    seal(session, engagement, period, make_member(session, engagement, Role.CLIENT_COMMITTEE))
    return check_and_approve(session, engagement, period)


def check_and_approve(session: Session, engagement: Engagement, period: Period) -> Actor:
    """Two people of the provider check and approve an invoice; the second one may issue it too.

    A month that a later invoice charges has none to check.
    """
    checker, approver = (make_member(session, engagement, Role.PROVIDER_FINANCE) for _ in range(2))
    agreement = agreement_of(session, checker, engagement, period)
    if agreement.steps[Act.CHECK].allowed:
        check_invoice(session, checker, engagement, period)
        approve_invoice(session, approver, engagement, period)
    return approver


def seal(session: Session, engagement: Engagement, period: Period, client: Actor) -> FiguresSeal:
    """A period's figures are submitted by the provider's finance, agreed to and sealed."""
    provider = make_member(session, engagement, Role.PROVIDER_FINANCE)
    submit_period(session, provider, engagement, period)
    return seal_period(session, client, engagement, period, load_catalogue())


def write_evidence_folder(folder: Path, **files: str) -> Path:
    """A folder with small ledgers; `files` replace the content of a dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"invoices": INVOICES, "receipts": RECEIPTS, "allocations": ALLOCATIONS} | files
    for name, content in contents.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return folder


def make_evidence(
    session: Session, actor: Actor, engagement: Engagement, folder: Path
) -> EvidenceHandIn:
    """The small ledgers, handed in; tables are kept in `folder / "store"`.

    They are read once a process: how evidence is read has tests of its own.
    """
    upload = Upload(write_evidence_folder(folder / "evidence"), "evidence")
    store = EvidenceStore.at(folder / "store")
    plan = plan_hand_in(session, actor, engagement, upload, store)
    if plan.known or plan.earlier:
        return hand_in(session, actor, engagement, upload, store)
    read = _read_once(plan.time_zone)
    prepared = Prepared(upload, plan.source_sha256, plan.known_ids, read)
    return keep(session, actor, engagement, prepared, put_in_store(prepared, store))


@cache
def _read_once(time_zone: str) -> EvidenceSet:
    folder = Path(mkdtemp(prefix="plumbline-tests-evidence-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    return read_evidence(write_evidence_folder(folder / "evidence"), folder, None, time_zone)


@dataclass(frozen=True, slots=True)
class TextRenderer:
    """Stands in for the PDF renderer: writes what a document would state."""

    def invoice(
        self, settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
    ) -> bytes:
        """The number, the period and the amount payable."""
        del xml
        return f"{header.number} {settlement.period.label} {settlement.priced.payable}".encode()

    def pack(self, settlement: Settlement, log: Checkpoint | None) -> bytes:
        """The period, and how far the log had come."""
        if log is not None:
            return f"pack {settlement.period.label} log {log.size}".encode()
        return f"pack {settlement.period.label}".encode()

    def template_version(self) -> str:
        """There is only one."""
        return "0" * 64

    def credit_note(self, document: FeeDocument, log: Checkpoint | None) -> bytes:
        """The number, the invoice's number and the amount payable."""
        del log
        corrects = document.corrects.number if document.corrects else ""
        return f"{document.number} {corrects} {document.payable}".encode()


def make_workshop(folder: Path) -> Workshop:
    """What settlements need: tables in `folder / "store"`, the real catalogue, text for PDFs."""
    return Workshop(EvidenceStore.at(folder / "store"), load_catalogue(), TextRenderer())
