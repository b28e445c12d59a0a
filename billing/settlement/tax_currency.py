"""Taxes in the currency that they are declared in, by the exchange rates that were handed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.charges.values import ExchangeRate, PricedPeriod
from billing.tax import in_tax_currency
from governance.contract.document import Contract
from governance.errors import BadInput, Problem
from governance.values import plain

if TYPE_CHECKING:
    from sla.evidence.ledger import Ledger

TAX_CURRENCY = "tax_currency"
"""What the source of the rate is kept under, beside charge ids."""
RATES = "fx_rates"
_WEEK = timedelta(days=7)
_LATEST = (
    'SELECT "on" AS day, rate, source FROM fx_rates WHERE "from" = $own AND "to" = $declared'
    ' AND "on" BETWEEN $first AND $until ORDER BY day DESC LIMIT 1'
)


def with_tax_currency(priced: PricedPeriod, contract: Contract, ledger: Ledger) -> PricedPeriod:
    """The same with its taxes in `invoicing.tax_currency` too, where that is another currency.

    The rate is that of the tax point, the last day of the invoiced period, or the last one set
    within the week before it. An invoice without an amount of tax needs none. Raises BadInput
    where evidence has no such rate.
    Source: Directive 2006/112/EC, articles 91 and 230.
    """
    declared = contract.invoicing.tax_currency
    if declared in {None, priced.currency} or not any(tax.amount for tax in priced.taxes):
        return priced
    rate = _rate(ledger, priced.currency, str(declared), priced.period.end)
    return replace(priced, tax_currency=in_tax_currency(priced.taxes, rate))


def _rate(ledger: Ledger, own: str, declared: str, on: date) -> ExchangeRate:
    bound = {"own": own, "declared": declared, "first": on - _WEEK, "until": on}
    rows = ledger.execute(_LATEST, bound).rows
    if not rows:
        raise BadInput.one(_missing(own, declared, on))
    day, rate, source = rows[0]
    held = ledger.digests.get(RATES)
    evidence = f"{RATES} {held.sha256[:12]}" if held else RATES
    return ExchangeRate(declared, Decimal(plain(rate)), day, source or evidence)


def _missing(own: str, declared: str, on: date) -> Problem:
    return Problem(
        f"tax is declared in {declared}, and evidence has no rate from {own} to {declared} for"
        f" {on}, the last day of the period, nor for a day of the week before",
        column="invoicing.tax_currency",
        allowed=f"the dataset {RATES} with a row on {on}, from {own}, to {declared}, and the rate:"
        f" what 1 {own} is worth in {declared}",
    )
