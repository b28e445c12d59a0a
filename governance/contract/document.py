"""The whole contract document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from governance.contract.base import Percent, Terms, Text
from governance.contract.charges import Charge, MinimumCommitment, Tax, TaxCategory
from governance.contract.engagement import Engagement
from governance.contract.service_credits import ServiceCreditTerms
from governance.contract.service_levels import ServiceLevel


class Withholding(Terms):
    """Tax withheld by the client: deducted from what is payable, never from the taxable amount."""

    rate: Percent


class Invoicing(Terms):
    """How fees are invoiced and taxed."""

    every: Literal["month", "quarter", "year"] = "month"
    due_days: Annotated[int, Field(ge=0, le=365)] = 30
    purchase_order: Text | None = None
    number: Text = "{year}-{sequence:05}"
    tax: Tax = Tax(category=TaxCategory.OUTSIDE_SCOPE)
    withholding: Withholding | None = None


class Governance(Terms):
    """Committees, obligations, escalation and approval rules, kept as written."""

    committees: tuple[dict[str, Any], ...] = ()
    obligations: tuple[dict[str, Any], ...] = ()
    escalation: tuple[dict[str, Any], ...] = ()
    approvals: tuple[dict[str, Any], ...] = ()


class Contract(Terms):
    """A contract document, version 1 of the language."""

    plumbline: Literal[1]
    engagement: Engagement
    service_levels: tuple[ServiceLevel, ...] = ()
    service_credits: ServiceCreditTerms | None = None
    charges: tuple[Charge, ...] = ()
    minimum_commitment: MinimumCommitment | None = None
    invoicing: Invoicing = Invoicing()
    governance: Governance = Governance()

    def service_level(self, level_id: str) -> ServiceLevel:
        """The service level of that id; KeyError where there is none."""
        return {level.id: level for level in self.service_levels}[level_id]

    def charge(self, charge_id: str) -> Charge:
        """The charge of that id; KeyError where there is none."""
        return {charge.id: charge for charge in self.charges}[charge_id]
