"""Nobody approves more than the contract lets their roles approve."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Session

from billing.invoices.approval import over_limit
from governance.access import Actor, Permission
from governance.engagements.models import Engagement
from governance.engagements.queries import roles_in
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import Forbidden


def require_within_limit(
    session: Session, actor: Actor, engagement: Engagement, permission: Permission, amount: Decimal
) -> None:
    """Forbidden where the contract lets none of the actor's roles approve so much.

    `amount` is in the engagement's currency; the limits are those of `invoicing.approval_limits`.
    """
    limits = contract_of(agreed_contract(session, engagement)).invoicing.approval_limits
    roles = roles_in(session, actor, engagement)
    if refusal := over_limit(roles, permission, amount, engagement.currency, limits):
        raise Forbidden(refusal)
