"""A priced period as the object that `plumbline price --json` answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.charges.values import (
    ChargeLine,
    PricedPeriod,
    Step,
    TaxInCurrency,
    TaxLine,
    TaxTreatment,
)
from governance.values import minor_digits, money_text, plain


def priced_period_json(priced: PricedPeriod) -> dict[str, Any]:
    """Stable keys; amounts of money with the currency's decimals, prices as written."""
    currency = priced.currency
    return {
        "period": priced.period.label,
        "currency": currency,
        "lines": [line_json(line, currency) for line in priced.lines],
        "subtotal": money_text(priced.subtotal, currency),
        "credit_base": money_text(priced.credit_base, currency),
        "service_credit": money_text(priced.service_credit, currency),
        "taxes": [tax_json(tax, currency) for tax in priced.taxes],
        "withholding": money_text(priced.withholding, currency),
        "total": money_text(priced.total, currency),
        "payable": money_text(priced.payable, currency),
        **_tax_currency_json(priced.tax_currency),
    }


def line_json(line: ChargeLine, currency: str) -> dict[str, Any]:
    """One line with its arithmetic, and the tax category it belongs to."""
    return {
        "charge": line.charge,
        "title": line.title,
        "clause": line.clause,
        "quantity": plain(line.quantity),
        "unit": line.unit,
        "amount": money_text(line.amount, currency),
        "steps": [step_json(step, currency) for step in line.steps],
        "tax": treatment_json(line.tax),
        "pass_through": line.pass_through,
        "meter": line.meter,
        **({"restatement": line.restatement} if line.restatement else {}),
        **_mechanisms(line, currency),
    }


def _mechanisms(line: ChargeLine, currency: str) -> dict[str, Any]:
    """Keys that only the lines of some mechanisms have."""
    found: dict[str, Any] = {}
    if line.late:
        found["late"] = line.late
    if line.effective_minimum is not None:
        found["effective_minimum"] = money_text(line.effective_minimum, currency)
    if line.outside_base:
        found["outside_base"] = True
    return found


def treatment_json(tax: TaxTreatment) -> dict[str, str]:
    """Category and rate of a treatment, and what else is stated of it."""
    answer = {"category": tax.category.value, "rate": plain(tax.rate)}
    return answer | _stated_of(tax)


def _stated_of(tax: TaxTreatment | TaxLine) -> dict[str, str]:
    """Reason, code and name, each only where there is one."""
    stated = {"reason": tax.reason, "code": tax.code, "name": tax.name}
    return {key: value for key, value in stated.items() if value}


def step_json(step: Step, currency: str) -> dict[str, str]:
    """quantity × price = amount, with its explanation where it has one."""
    answer = {
        "quantity": plain(step.quantity),
        "price": format(step.price, "f"),
        "amount": step_amount_text(step.amount, currency),
    }
    return {**answer, "text": step.text} if step.text else answer


def step_amount_text(amount: Decimal, currency: str) -> str:
    """At least the currency's decimals; more where a step's amount is not a whole minor unit.

    Lines are rounded once, so steps may have fractions of a cent that add up first.
    """
    if -int(amount.normalize().as_tuple().exponent) <= minor_digits(currency):
        return money_text(amount, currency)
    return plain(amount)


def tax_json(tax: TaxLine, currency: str) -> dict[str, str]:
    """Tax of one category and rate; `reason`, `code` and `name` only where there is one."""
    answer = {
        "category": tax.category.value,
        "rate": plain(tax.rate),
        "base": money_text(tax.base, currency),
        "amount": money_text(tax.amount, currency),
    }
    return answer | _stated_of(tax)


def _tax_currency_json(stated: TaxInCurrency | None) -> dict[str, Any]:
    """Nothing where tax is declared in the invoice's own currency."""
    if stated is None:
        return {}
    rate = stated.rate
    answer = {
        "currency": rate.currency,
        "rate": plain(rate.rate),
        "rate_on": rate.on.isoformat(),
        "source": rate.source,
        "amounts": [money_text(amount, rate.currency) for amount in stated.amounts],
        "tax": money_text(stated.total, rate.currency),
    }
    return {"tax_currency": answer}
