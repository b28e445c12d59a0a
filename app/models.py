"""Every table of the product: importing this module registers them all."""

from __future__ import annotations

from app.security.models import SignInSession
from billing.invoices.models import FeeInvoice, FeeInvoiceLine, InvoiceSeries
from billing.settlement.models import SettlementDocument, SettlementEvidence, SettlementRecord
from governance.audit.models import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditNode,
    AuditPersonalValue,
)
from governance.engagements.models import ContractVersion, Engagement
from governance.parties.models import Membership, Organisation, User
from governance.tables import Table
from sla.evidence.models import EvidenceHandIn, EvidenceTable
from sla.measurements.models import MeasuredPeriodRecord, MeasurementRecord
from sla.service_credits.models import ServiceCreditRecord, ServiceCreditTotal

METADATA = Table.metadata

__all__ = [
    "METADATA",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "AuditNode",
    "AuditPersonalValue",
    "ContractVersion",
    "Engagement",
    "EvidenceHandIn",
    "EvidenceTable",
    "FeeInvoice",
    "FeeInvoiceLine",
    "InvoiceSeries",
    "MeasuredPeriodRecord",
    "MeasurementRecord",
    "Membership",
    "Organisation",
    "ServiceCreditRecord",
    "ServiceCreditTotal",
    "SettlementDocument",
    "SettlementEvidence",
    "SettlementRecord",
    "SignInSession",
    "User",
]
