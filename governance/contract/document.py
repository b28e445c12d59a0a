"""The whole contract document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from governance.contract.base import Accepts, Percent, Terms, Text, Whole
from governance.contract.charges import Charge, MinimumCommitment, Tax, TaxCategory
from governance.contract.engagement import Engagement
from governance.contract.service_credits import ServiceCreditTerms
from governance.contract.service_levels import ServiceLevel


def _version(value: Any) -> Any:
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value) == "1":
        return 1
    raise ValueError("not a version of the contract language")


Version = Annotated[Literal[1], BeforeValidator(_version), Accepts("1")]
"""Version of the contract language that the document is written in."""


class Withholding(Terms):
    """Tax withheld by the client: deducted from what is payable, never from the taxable amount."""

    rate: Percent
    """In %."""


class Invoicing(Terms):
    """How fees are invoiced and taxed."""

    every: Literal["month", "quarter", "year"] = "month"
    """How often an invoice is issued."""
    due_days: Annotated[Whole, Field(ge=0, le=365)] = 30
    """Days from issue to the day the invoice is due."""
    purchase_order: Text | None = None
    """The client's order number, printed on each invoice."""
    number: Text = "{year}-{sequence:05}"
    """Pattern of invoice numbers; the fields are year, month and sequence."""
    tax: Tax = Tax(category=TaxCategory.OUTSIDE_SCOPE)
    """Tax of all charges that have none of their own."""
    withholding: Withholding | None = None
    """Tax that the client withholds from what is payable."""


class Governance(Terms):
    """Committees, obligations, escalation and approval rules, kept as written."""

    committees: tuple[dict[str, Any], ...] = ()
    """Who meets, how often, and who leads."""
    obligations: tuple[dict[str, Any], ...] = ()
    """What has to be done by when."""
    escalation: tuple[dict[str, Any], ...] = ()
    """Who is told when, level by level."""
    approvals: tuple[dict[str, Any], ...] = ()
    """Who approves what, up to which amount."""


class Contract(Terms):
    """A contract document, version 1 of the language."""

    plumbline: Version
    """Version of the contract language, 1."""
    engagement: Engagement
    """Who works for whom, on what and when."""
    service_levels: tuple[ServiceLevel, ...] = ()
    """What performance was promised."""
    service_credits: ServiceCreditTerms | None = None
    """What a missed service level costs the provider; the method decides on the keys."""
    charges: tuple[Charge, ...] = ()
    """What the client pays for; the type of a charge decides on its keys."""
    minimum_commitment: MinimumCommitment | None = None
    """What the client pays at least, over all charges."""
    invoicing: Invoicing = Invoicing()
    """How fees are invoiced and taxed."""
    governance: Governance = Governance()
    """Committees, obligations, escalation and approvals, kept as written."""

    def service_level(self, level_id: str) -> ServiceLevel:
        """The service level of that id; KeyError where there is none."""
        return {level.id: level for level in self.service_levels}[level_id]

    def charge(self, charge_id: str) -> Charge:
        """The charge of that id; KeyError where there is none."""
        return {charge.id: charge for charge in self.charges}[charge_id]
