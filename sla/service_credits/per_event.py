"""A fixed credit a miss.

Source: the contract language, section "Service credits", method per_event.
"""

from __future__ import annotations

from decimal import Decimal

from governance.contract.service_credits import PerEvent
from sla.service_credits.assessment import Case
from sla.service_credits.award import Award
from sla.service_credits.wording import amount_words


def award(terms: PerEvent, case: Case) -> Award:
    """The amount of the service level, or of the terms where the level has none."""
    amount = case.level.amount if case.level.amount is not None else terms.amount
    if amount is None:
        return Award(Decimal(0), "no amount a miss is agreed")
    credit = case.money(amount)
    return Award(credit, f"{amount_words(credit, case.currency)} a miss")
