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
from billing.corrections.models import CorrectedInvoice, CorrectedInvoiceDocument
from billing.credit_notes.models import CreditNote, CreditNoteDocument, CreditNoteLine
from billing.deliveries.models import Delivery, DeliveryDocument, DeliveryRecipient
from billing.disputes.models import Dispute
from billing.invoices.models import (
    DocumentNumber,
    FeeInvoice,
    FeeInvoiceLine,
    FeeInvoiceStep,
    InvoiceSeries,
)
from billing.payments.models import (
    BankEntry,
    InvoiceRefund,
    Payment,
    PaymentAllocation,
    PaymentImport,
    PaymentRefund,
    WriteOff,
    WriteOffReversal,
)
from billing.provider_invoices.models import (
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceContest,
    ProviderInvoiceMatch,
    ProviderInvoiceProfile,
)
from billing.reminders.models import LateCharge, Reminder, ReminderDocument, ReminderLine
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
from billing.statements.models import AccountStatement, StatementDocument
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
    "AccountStatement",
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
    "CorrectedInvoice",
    "CorrectedInvoiceDocument",
    "CreditClaim",
    "CreditIncident",
    "CreditNote",
    "CreditNoteDocument",
    "CreditNoteLine",
    "Delivery",
    "DeliveryDocument",
    "DeliveryRecipient",
    "Dispute",
    "DocumentNumber",
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
    "InvoiceRefund",
    "InvoiceSeries",
    "KpiDefinitionText",
    "LateCharge",
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
    "ProviderInvoice",
    "ProviderInvoiceCheck",
    "ProviderInvoiceContest",
    "ProviderInvoiceMatch",
    "ProviderInvoiceProfile",
    "RecoveryCode",
    "ReliefEventRecord",
    "Reminder",
    "ReminderDocument",
    "ReminderLine",
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
    "StatementDocument",
    "Throttle",
    "TotpCredential",
    "TrendReport",
    "User",
    "WriteOff",
    "WriteOffReversal",
]
