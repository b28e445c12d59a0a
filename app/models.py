"""Every table of the product: importing this module registers them all."""

from __future__ import annotations

from app.mail.models import OutboxMail
from app.security.models import (
    ApiToken,
    ApiTokenUse,
    ForeignIdentity,
    Passkey,
    PasskeyChallenge,
    PasswordReset,
    RecoveryCode,
    SignInSession,
    SingleSignOnAttempt,
    Throttle,
    TotpCredential,
)
from billing.invoices.models import FeeInvoice, FeeInvoiceLine, InvoiceSeries
from billing.settlement.models import (
    FiguresAcceptance,
    SettlementDocument,
    SettlementEvidence,
    SettlementRecord,
)
from governance.audit.models import (
    AuditCheckpoint,
    AuditCosignature,
    AuditEntry,
    AuditHead,
    AuditNode,
    AuditPersonalValue,
    AuditTimestamp,
)
from governance.engagements.models import (
    AccessReview,
    AccessReviewItem,
    ContractAcceptance,
    ContractVersion,
    DutyException,
    Engagement,
    Invitation,
)
from governance.parties.models import Membership, OperatorTerm, Organisation, User
from governance.tables import Table
from sla.evidence.models import EvidenceHandIn, EvidenceTable
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal

METADATA = Table.metadata

__all__ = [
    "METADATA",
    "AccessReview",
    "AccessReviewItem",
    "ApiToken",
    "ApiTokenUse",
    "AuditCheckpoint",
    "AuditCosignature",
    "AuditEntry",
    "AuditHead",
    "AuditNode",
    "AuditPersonalValue",
    "AuditTimestamp",
    "ContractAcceptance",
    "ContractVersion",
    "DutyException",
    "Engagement",
    "EvidenceHandIn",
    "EvidenceTable",
    "FeeInvoice",
    "FeeInvoiceLine",
    "FiguresAcceptance",
    "ForeignIdentity",
    "Invitation",
    "InvoiceSeries",
    "MeasuredPeriodRecord",
    "MeasurementRecord",
    "Membership",
    "OperatorTerm",
    "Organisation",
    "OutboxMail",
    "Passkey",
    "PasskeyChallenge",
    "PasswordReset",
    "RecoveryCode",
    "ServiceCreditRecord",
    "ServiceCreditTotal",
    "SettlementDocument",
    "SettlementEvidence",
    "SettlementRecord",
    "SignInSession",
    "SingleSignOnAttempt",
    "Throttle",
    "TotpCredential",
    "User",
]
