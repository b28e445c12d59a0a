"""One row of everything that an address in the access matrix can name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from app.security.models import ApiToken, ForeignIdentity, Passkey, Proof, SignInSession
from app.security.sessions import open_session
from billing.payments.models import ImportState, PaymentImport
from billing.payments.values import Source
from billing.settlement.comparison import Comparison, comparison_json
from billing.simulation.models import SimulationRecord, SimulationState
from billing.simulation.serialise import simulation_bytes
from governance.access import DutyConflict, Permission, Role, Side
from governance.audit.models import AuditEntry
from governance.engagements.models import (
    AccessReview,
    AccessReviewItem,
    ContractVersion,
    DutyException,
    Engagement,
    Invitation,
)
from governance.parties.models import Membership, User
from governance.runs.models import Run
from governance.tables import Table
from sla.evidence.drafts import prepared_json
from sla.evidence.intake import Prepared
from sla.evidence.models import (
    DraftKind,
    EvidenceQuarantine,
    EvidenceSource,
    EvidenceTable,
    ImportDraft,
    ImportProfile,
)
from sla.evidence.service import Upload, counting_tables
from sla.evidence.store import EvidenceStore
from sla.evidence.values import EvidenceSet
from tests.billing.provider_invoices.rows import add_provider_invoice
from tests.billing.reminders.rows import add_reminder, add_statement
from tests.billing.simulation.values import SIMULATED
from tests.governance.runs.rows import items_of_run, queued_run

Row = TypeVar("Row", bound=Table)


class Rows:
    """Adds rows in the transaction that fills a world."""

    def __init__(self, session: Session, now: datetime, store: EvidenceStore) -> None:
        self._session, self._now, self._store = session, now, store

    def of_engagement(self, engagement: Engagement, member_id: int) -> dict[str, str]:
        """One of everything that an address below an engagement can name."""
        table = self.first(EvidenceTable, EvidenceTable.engagement_id, engagement.id)
        held = self.first(Membership, Membership.user_id, member_id)
        entry = self.first(AuditEntry, AuditEntry.engagement_id, engagement.id)
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
        self.add(exception, review)
        item = AccessReviewItem(review_id=review.id, user_id=member_id, role=held.role)
        invitation = self.invitation(engagement, engagement.provider_id)
        simulation = self._simulation(engagement, member_id)
        self.add(item, invitation, simulation)
        statement = self._statement(engagement, member_id)
        return {
            "simulation_id": str(simulation.id),
            "run_id": str(self._run(engagement, member_id).id),
            "import_id": str(statement.id),
            "provider_invoice": str(self._provider_invoice(engagement, member_id)),
            "charge": str(self._reminder(engagement, member_id)),
            "sha256": table.sha256,
            "hand_in_id": str(table.hand_in_id),
            **self._imports(engagement, table, member_id),
            "membership_id": str(held.id),
            "exception_id": str(exception.id),
            "review_id": str(review.id),
            "item_id": str(item.id),
            "invitation_id": str(invitation.id),
            "uid": entry.uid,
            "kind": "engagement",
            "object_id": str(engagement.id),
        }

    def _statement(self, engagement: Engagement, member_id: int) -> PaymentImport:
        """A bank statement that waits for who handed it in."""
        data = b"Date,Amount\n2026-01-05,7.50\n"
        row = PaymentImport(
            engagement_id=engagement.id,
            source=Source.CSV,
            file_name="bank.csv",
            sha256=sha256(data).hexdigest(),
            size=len(data),
            mapping_json='{"columns":{},"days":"day_first","mark":null}',
            data=data,
            state=ImportState.PREVIEW,
            entries=1,
            made_at=self._now,
            made_by_id=member_id,
        )
        self.add(row)
        return row

    def _reminder(self, engagement: Engagement, member_id: int) -> int:
        """The charge of a reminder, and a kept statement beside it; both are the first ones."""
        add_statement(self._session, engagement, member_id, self._now)
        return add_reminder(self._session, engagement, member_id, self._now).id

    def _provider_invoice(self, engagement: Engagement, member_id: int) -> int:
        """Of January, checked and partly contested."""
        return add_provider_invoice(self._session, engagement, member_id, self._now).id

    def _simulation(self, engagement: Engagement, member_id: int) -> SimulationRecord:
        """Of the provider, and finished."""
        version = self.first(ContractVersion, ContractVersion.engagement_id, engagement.id)
        return SimulationRecord(
            engagement_id=engagement.id,
            side=Side.PROVIDER,
            asked_at=self._now,
            asked_by_id=member_id,
            contract_version_id=version.id,
            contract_sha256=version.sha256,
            first_month=date(2026, 1, 1),
            last_month=date(2026, 1, 1),
            state=SimulationState.DONE,
            finished_at=self._now,
            document=simulation_bytes(SIMULATED).decode(),
        )

    def _run(self, engagement: Engagement, member_id: int) -> Run:
        """Nobody has taken it up again since one of its two items was set aside."""
        run = queued_run(engagement, member_id, self._now)
        self.add(run)
        self.add(*items_of_run(run, engagement))
        return run

    def _imports(
        self, engagement: Engagement, table: EvidenceTable, member_id: int
    ) -> dict[str, str]:
        """Kept files, a saved profile, and uploads that wait, though their files are gone."""
        source = self.first(EvidenceSource, EvidenceSource.hand_in_id, table.hand_in_id)
        quarantine = EvidenceQuarantine(
            engagement_id=engagement.id,
            hand_in_id=table.hand_in_id,
            file="invoices.csv",
            rows=1,
            sha256=self._store.put_bytes(b"a\n", ".csv"),
            reasons_json="[]",
        )
        profile = ImportProfile(
            engagement_id=engagement.id,
            name="ours",
            version=1,
            title="Ours",
            sha256=sha256(b"").hexdigest(),
            text="",
            saved_at=self._now,
            saved_by_id=member_id,
        )
        guided, compared = (
            ImportDraft(
                engagement_id=engagement.id,
                kind=kind,
                folder=f"gone {engagement.reference}",
                source_name="ledger.csv",
                source_sha256=table.sha256,
                prepared_json=_prepared(self._session, engagement),
                comparison_json=comparison_json(Comparison((), ())),
                made_at=self._now,
                made_by_id=member_id,
                expires_at=self._now + timedelta(days=1),
            )
            for kind in (DraftKind.GUIDED, DraftKind.COMPARED)
        )
        self.add(quarantine, profile, guided, compared)
        return {
            "source_id": str(source.id),
            "quarantine_id": str(quarantine.id),
            "profile_id": str(profile.id),
            "draft_id": str(guided.id),
            "replacement_id": str(compared.id),
        }

    def invitation(self, engagement: Engagement | None, organisation_id: int) -> Invitation:
        """To one engagement, or to the installation."""
        name = engagement.reference if engagement else "installation"
        return Invitation(
            token_sha256=sha256(f"invitation {name}".encode()).hexdigest(),
            email=f"{name}@example.org",
            email_key=f"{name}@example.org".casefold(),
            name="Invited Person",
            organisation_id=organisation_id,
            engagement_id=engagement.id if engagement else None,
            role=Role.PROVIDER_FINANCE if engagement else None,
            created_at=self._now,
            expires_at=self._now + timedelta(days=1),
        )

    def of_account(self, name: str, user: User) -> dict[str, str]:
        """A second session, a token, a passkey and a foreign identity of an account."""
        secret = open_session(self._session, user, self._now, Proof.PASSWORD)
        session = self.first(
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
        self.add(token, passkey, identity)
        return {
            "session_id": str(session.id),
            "token_id": str(token.id),
            "passkey_id": str(passkey.id),
            "identity_id": str(identity.id),
        }

    def first(self, table: type[Row], column: Any, value: int | str | None) -> Row:
        """A row whose column has the value."""
        found = select(table).where(col(column) == value).limit(1)
        return self._session.scalars(found).one()

    def add(self, *rows: Any) -> None:
        """Have them written, so that they have ids."""
        self._session.add_all(rows)
        self._session.flush()


def _prepared(session: Session, engagement: Engagement) -> str:
    """A hand-in without tables, read when what counts now counted."""
    counting = frozenset(table.id for table in counting_tables(session, engagement))
    upload = Upload(Path("ledger.csv"), "ledger.csv")
    return prepared_json(Prepared(upload, "0" * 64, counting, EvidenceSet(())))
