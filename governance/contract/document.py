"""The whole contract document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from governance.contract.base import Accepts, Terms
from governance.contract.charges import Charge, MinimumCommitment
from governance.contract.engagement import Engagement
from governance.contract.invoicing import Invoicing
from governance.contract.service_credits import ServiceCreditTerms
from governance.contract.service_levels import ServiceLevel


def _version(value: Any) -> Any:
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value) == "1":
        return 1
    raise ValueError("not a version of the contract language")


Version = Annotated[Literal[1], BeforeValidator(_version), Accepts("1")]
"""Version of the contract language that the document is written in."""


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
    """How fees are invoiced, taxed, approved, paid and posted."""
    governance: Governance = Governance()
    """Committees, obligations, escalation and approvals, kept as written."""

    def service_level(self, level_id: str) -> ServiceLevel:
        """The service level of that id; KeyError where there is none."""
        return {level.id: level for level in self.service_levels}[level_id]

    def charge(self, charge_id: str) -> Charge:
        """The charge of that id; KeyError where there is none."""
        return {charge.id: charge for charge in self.charges}[charge_id]
