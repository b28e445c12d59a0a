"""Two engagements of the same parties, one of others, and a person for each column of the matrix.

Every state that matters stands in ENG-1 beside the others: a period open, one settled, one
accepted and one issued, a version of the contract accepted and one proposed. So nothing has to
be built between requests, only put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3
from litestar import Litestar
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.asgi import create_app
from app.audit_log import key_folder, sequence
from app.database import session_scope
from app.security.api_tokens import NewToken, make_token, offered_scopes
from app.security.models import ApiToken, ForeignIdentity, Passkey, Proof, SignInSession
from app.security.sessions import open_session, start_session
from app.settings import Settings
from billing.invoices.service import issue_invoice
from billing.settlement.acceptance import accept_figures
from billing.settlement.service import settle_period
from governance.access import Actor, DutyConflict, Permission, Role, Side
from governance.audit.models import AuditEntry
from governance.engagements.acceptance import accept_contract
from governance.engagements.models import (
    AccessReview,
    AccessReviewItem,
    DutyException,
    Engagement,
    Invitation,
)
from governance.engagements.service import add_contract
from governance.engagements.versions import versions_of
from governance.parties.models import Membership, OperatorTerm, OrganisationKind, User
from governance.tables import Table
from governance.tenancy import EVERYTHING
from governance.values import Period
from sla.evidence.models import EvidenceTable
from sla.evidence.service import Upload, hand_in
from tests.factories import (
    ALLOCATIONS,
    RECEIPTS,
    TextRenderer,
    contract_bytes,
    make_user,
    write_evidence_folder,
)

Row = TypeVar("Row", bound=Table)
CLIENT = "Nordlicht Handel GmbH"
PROVIDER = "Clearwater Receivables Ltd"
OTHER_CLIENT, OTHER_PROVIDER = "Others AG", "Others Ltd"
OWN, SAME_PARTIES, OTHER_TENANT = "ENG-1", "ENG-3", "ENG-2"
PERIODS = {"open": "2026-04", "settled": "2026-03", "accepted": "2026-02", "issued": "2026-01"}
VERSIONS = {"accepted": "1", "proposed": "2"}
ROLES = {
    "manager": Role.PROVIDER_ACCOUNT_MANAGER,
    "provider_finance": Role.PROVIDER_FINANCE,
    "committee": Role.CLIENT_COMMITTEE,
    "chair": Role.COMMITTEE_CHAIR,
    "client_finance": Role.CLIENT_FINANCE,
    "auditor": Role.AUDITOR,
}


class Snapshot:
    """The database as it was, to be put back after a request that changed it."""

    def __init__(self, path: Path) -> None:
        self._file = pysqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")
        self._kept = pysqlite3.connect(":memory:", check_same_thread=False)
        self._file.backup(self._kept)
        self._seen = self._version()

    def put_back(self) -> None:
        """Undo what others have committed since."""
        if self._version() != self._seen:
            self._kept.backup(self._file)
            self._seen = self._version()

    def _version(self) -> int:
        version: int = self._file.execute("PRAGMA data_version").fetchone()[0]
        return version


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
    settlements: dict[str, str] = field(default_factory=dict)
    """The number of each settlement in ENG-1, by the label of its period."""
    personal: dict[str, dict[str, str]] = field(default_factory=dict)
    """The same, of each column's own account; under `stranger` of somebody else's."""


def make_matrix_world(
    template: Path, folder: Path, public_url: str = "https://plumbline.example"
) -> MatrixWorld:
    """The world in `folder`, whose database is a copy of `template`."""
    shutil.copyfile(template, folder / "plumbline.db")
    settings = Settings(
        data_dir=folder,
        database_url="",
        public_url=public_url,
        environment="development",
        strong_sign_in_roles=list(Role),
    )
    world = MatrixWorld(create_app(settings, TextRenderer()), settings)
    engine = world.app.state.engine
    with session_scope(engine, sees=EVERYTHING) as session:
        builder = _Builder(session, world, folder)
        builder.build()
    sequence(engine, key_folder(settings))
    return world


class _Builder:
    """Fills a world in one transaction."""

    def __init__(self, session: Session, world: MatrixWorld, folder: Path) -> None:
        self._session, self._world, self._folder = session, world, folder
        self._now = datetime.now(UTC)

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
        self._parts(own, self._world.people["provider_finance"].id, self._world.own)
        self._parts(other, stranger.signed_in_id, self._world.foreign)
        self._sessions()
        self._of_the_installation(preparer)
        self._tokens()
        self._accounts(stranger)

    def _user(self, kind: OrganisationKind, organisation: str) -> User:
        return make_user(self._session, kind, organisation)

    def _actor(self, user: User) -> Actor:
        return Actor(user.id, user.name, self._now, "matrix")

    def _engagement(self, actor: Actor, reference: str, client: str, provider: str) -> Engagement:
        # Each has ledgers of its own, as tables are named by their content.
        document = contract_bytes(reference, client=client, provider=provider)
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
        """The preparer settles, a client accepts, the provider's finance issues."""
        workshop = self._world.app.state.workshop
        client = self._actor(self._world.people["committee"])
        for state in ("settled", "accepted", "issued"):
            period = Period.parse(PERIODS[state])
            settled = settle_period(self._session, preparer, own, period, workshop)
            self._world.settlements[period.label] = str(settled.id)
            if state != "settled":
                accept_figures(self._session, client, own, period)
        issuer = self._actor(self._world.people["provider_finance"])
        issue_invoice(self._session, issuer, own, Period.parse(PERIODS["issued"]), workshop)

    def _parts(self, engagement: Engagement, member_id: int, parts: dict[str, str]) -> None:
        """One of everything that an address below an engagement can name."""
        table = self._first(EvidenceTable, EvidenceTable.engagement_id, engagement.id)
        held = self._first(Membership, Membership.user_id, member_id)
        entry = self._first(AuditEntry, AuditEntry.engagement_id, engagement.id)
        exception = DutyException(
            engagement_id=engagement.id,
            user_id=member_id,
            conflict=DutyConflict.BOTH_SIDES,
            reason="small team",
            granted_by_id=member_id,
            granted_at=self._now,
        )
        review = AccessReview(
            engagement_id=engagement.id, started_at=self._now, started_by_id=member_id
        )
        self._add(exception, review)
        item = AccessReviewItem(review_id=review.id, user_id=member_id, role=held.role)
        invitation = self._invitation(engagement)
        self._add(item, invitation)
        parts |= {
            "sha256": table.sha256,
            "hand_in_id": str(table.hand_in_id),
            "membership_id": str(held.id),
            "exception_id": str(exception.id),
            "review_id": str(review.id),
            "item_id": str(item.id),
            "invitation_id": str(invitation.id),
            "uid": entry.uid,
            "kind": "engagement",
            "object_id": str(engagement.id),
        }

    def _invitation(self, engagement: Engagement | None) -> Invitation:
        name = engagement.reference if engagement else "installation"
        organisation = engagement.provider_id if engagement else self._no_role.organisation_id
        return Invitation(
            token_sha256=sha256(f"invitation {name}".encode()).hexdigest(),
            email=f"{name}@example.org",
            email_key=f"{name}@example.org".casefold(),
            name="Invited Person",
            organisation_id=organisation,
            engagement_id=engagement.id if engagement else None,
            role=Role.PROVIDER_FINANCE if engagement else None,
            created_at=self._now,
            expires_at=self._now + timedelta(days=1),
        )

    @property
    def _no_role(self) -> User:
        return self._world.people["no_role"]

    def _of_the_installation(self, preparer: Actor) -> None:
        invitation = self._invitation(None)
        self._add(invitation)
        entry = self._first(AuditEntry, AuditEntry.engagement_id, None)
        parts = {"invitation_id": str(invitation.id), "uid": entry.uid}
        self._world.installation |= parts | {"user_id": str(preparer.user_id)}

    def _first(self, table: type[Row], column: Any, value: int | str | None) -> Row:
        found = select(table).where(col(column) == value).limit(1)
        return self._session.scalars(found).one()

    def _add(self, *rows: Any) -> None:
        self._session.add_all(rows)
        self._session.flush()

    def _accounts(self, stranger: Actor) -> None:
        """A second session, a token and a passkey of every account."""
        users = {**self._world.people, "stranger": self._session.get_one(User, stranger.user_id)}
        for name, user in users.items():
            secret = open_session(self._session, user, self._now, Proof.PASSWORD)
            session = self._first(
                SignInSession, SignInSession.token_sha256, sha256(secret.encode()).hexdigest()
            )
            token = ApiToken(
                user_id=user.id,
                name="report",
                token_sha256=sha256(name.encode()).hexdigest(),
                scopes=Permission.VIEW.value,
                created_at=self._now,
                expires_at=self._now + timedelta(days=1),
            )
            passkey = Passkey(
                user_id=user.id,
                credential_id=name.encode(),
                public_key=b"",
                sign_count=0,
                name="laptop",
                created_at=self._now,
            )
            identity = ForeignIdentity(
                user_id=user.id, issuer="https://id.example", subject=name, linked_at=self._now
            )
            self._add(token, passkey, identity)
            self._world.personal[name] = {
                "session_id": str(session.id),
                "token_id": str(token.id),
                "passkey_id": str(passkey.id),
                "identity_id": str(identity.id),
            }

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
