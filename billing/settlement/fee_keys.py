"""What an invoice's JSON states of the document itself, and of each tax's share in the credit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.charges.serialise import treatment_json
from billing.charges.values import TaxTreatment
from billing.invoices.fee_document import DocumentType
from billing.settlement.values import Settlement
from billing.tax import bases_of, treatment_of
from governance.values import money_text
from sla.measurements.targets import promised_in
from sla.service_credits.values import ServiceCredits


def fee_keys(settlement: Settlement) -> dict[str, Any]:
    """Type, language, profile, references and allowances; optional keys where they are agreed."""
    invoicing = settlement.contract.invoicing
    agreed = {
        "buyer_reference": invoicing.buyer_reference,
        "payment_terms": invoicing.payment_terms,
    }
    return {
        "type": DocumentType.INVOICE.value,
        "language": invoicing.language,
        "profile": invoicing.profile,
        "allowances": allowances_json(settlement),
    } | {key: value for key, value in agreed.items() if value is not None}


def allowances_json(settlement: Settlement) -> list[dict[str, Any]]:
    """The service credit's share in every tax treatment, as the taxes were computed with it.

    Shares add up to the service credit and are negative for a bonus; differences of restated
    periods take none. `clause` names the clauses that it comes from, where they are stated.
    """
    periods = ", ".join(given.period.label for given in settlement.settled_credits if given.net)
    clauses = "; ".join(dict.fromkeys(_clauses(settlement)))
    return [
        {
            "amount": money_text(share, settlement.priced.currency),
            "tax": treatment_json(treatment),
            "reason": f"{'Service credit' if share > 0 else 'Bonus'} {periods}".rstrip(),
            **({"clause": clauses} if clauses else {}),
        }
        for treatment, share in _shares(settlement).items()
        if share
    ]


def _shares(settlement: Settlement) -> dict[TaxTreatment, Decimal]:
    priced = settlement.priced
    usual = treatment_of(settlement.contract.invoicing.tax)
    bases = bases_of(priced.own_lines, priced.service_credit, usual, priced.currency)
    charged = dict.fromkeys(bases, Decimal(0))
    for line in priced.own_lines:
        charged[line.tax] += line.amount
    return {treatment: charged[treatment] - base for treatment, base in bases.items()}


def _clauses(settlement: Settlement) -> list[str]:
    """The clauses of all service levels that a credit, bonus or earn-back comes from."""
    found = [
        promised_in(settlement.terms_of(level), given.period).clause
        for given in settlement.settled_credits
        for level in _levels(given)
    ]
    return [clause for clause in found if clause != "not stated"]


def _levels(given: ServiceCredits) -> list[str]:
    own = [one.id for one in given.service_levels if one.credit or one.bonus]
    failures = [one.service_level for one in given.persistent_failures if one.credit]
    return [*own, *failures, *(one.service_level for one in given.earn_backs)]
