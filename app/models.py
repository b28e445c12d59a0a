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
from billing.credit_notes.models import CreditNote, CreditNoteDocument, CreditNoteLine
from billing.disputes.models import Dispute
from billing.invoices.models import FeeInvoice, FeeInvoiceLine, FeeInvoiceStep, InvoiceSeries
from billing.payments.models import (
    BankEntry,
    Payment,
    PaymentAllocation,
    PaymentImport,
    PaymentRefund,
    WriteOff,
)
from billing.restatements.models import (
    RestatementCarried,
    RestatementDocument,
    RestatementEvidence,
    RestatementRecord,
)
from billing.settlement.models import (
    SettlementDocument,
    SettlementEvidence,
    SettlementRecord,
)
from billing.simulation.models import SimulationRecord, SimulationWork
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
from governance.runs.models import Run, RunItem
from governance.tables import Table
from sla.claims.models import CreditClaim, CreditIncident
from sla.evidence.models import (
    EvidenceComparison,
    EvidenceCorrection,
    EvidenceHandIn,
    EvidenceQuarantine,
    EvidenceSource,
    EvidenceTable,
    ImportDraft,
    ImportProfile,
)
from sla.kpis.models import KpiDefinitionText
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.relief.models import ReliefEventRecord
from sla.reviews.models import (
    FiguresSeal,
    FiguresSubmission,
    PeriodReview,
    ReviewItem,
    ReviewRemark,
)
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal
from sla.trends.models import TrendReport

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
    "BankEntry",
    "ContractAcceptance",
    "ContractVersion",
    "CreditClaim",
    "CreditIncident",
    "CreditNote",
    "CreditNoteDocument",
    "CreditNoteLine",
    "Dispute",
    "DutyException",
    "Engagement",
    "EvidenceComparison",
    "EvidenceCorrection",
    "EvidenceHandIn",
    "EvidenceQuarantine",
    "EvidenceSource",
    "EvidenceTable",
    "FeeInvoice",
    "FeeInvoiceLine",
    "FeeInvoiceStep",
    "FiguresSeal",
    "FiguresSubmission",
    "ForeignIdentity",
    "ImportDraft",
    "ImportProfile",
    "Invitation",
    "InvoiceSeries",
    "KpiDefinitionText",
    "MeasuredPeriodRecord",
    "MeasurementRecord",
    "Membership",
    "OperatorTerm",
    "Organisation",
    "OutboxMail",
    "Passkey",
    "PasskeyChallenge",
    "PasswordReset",
    "Payment",
    "PaymentAllocation",
    "PaymentImport",
    "PaymentRefund",
    "PeriodReview",
    "RecoveryCode",
    "ReliefEventRecord",
    "RestatementCarried",
    "RestatementDocument",
    "RestatementEvidence",
    "RestatementRecord",
    "ReviewItem",
    "ReviewRemark",
    "Run",
    "RunItem",
    "ServiceCreditRecord",
    "ServiceCreditTotal",
    "SettlementDocument",
    "SettlementEvidence",
    "SettlementRecord",
    "SignInSession",
    "SimulationRecord",
    "SimulationWork",
    "SingleSignOnAttempt",
    "Throttle",
    "TotpCredential",
    "TrendReport",
    "User",
    "WriteOff",
]
