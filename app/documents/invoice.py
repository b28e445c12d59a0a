"""The fee invoice as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Final

from app.documents.formatting import (
    NARROW,
    country_name,
    digest,
    measured,
    money,
    number,
    period,
    price,
)
from app.documents.language import gettext as _
from app.documents.language import in_language
from app.documents.log_state import log_state
from app.documents.rendering import html_to_pdf, render_html
from app.documents.units import unit_name
from app.documents.wording import DRAFT, tax_column, tax_note, tax_total
from billing.charges.values import ChargeLine, PricedPeriod, Step
from billing.settlement.values import InvoiceHeader, MeterReading, Settlement
from governance.contract.engagement import Party
from governance.values import Period, round_half_up
from sla.measurements.values import Measurement
from sla.service_credits.values import LevelCredit, ServiceCredits

_SHOWN: Final = 6
"""Decimals that the arithmetic shows."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One numbered line: a charge, or a service credit with a negative amount."""

    title: str
    reference: str
    """Id and clause that the line rests on."""
    arithmetic: tuple[str, ...]
    """What a person would compute to check the amount."""
    source: str
    """Where the quantity came from, or which miss the credit comes from."""
    quantity: str
    unit: str
    tax: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TotalRow:
    """One row of the totals; deductions are negative."""

    label: str
    note: str
    amount: Decimal
    strong: bool = False


def render_invoice(
    settlement: Settlement, header: InvoiceHeader, xml: bytes | None = None
) -> bytes:
    """The fee invoice of the settled period as tagged PDF; the same input gives the same bytes.

    Amounts stand as they were priced: nothing is computed or rounded here. `xml` is the electronic
    invoice to embed, which says the same.
    """
    with in_language(settlement.contract.invoicing.language):
        html = render_html("invoice.html", invoice_context(settlement, header))
    return html_to_pdf(html, "invoice.css", header.issued_on, xml=xml, accessible=True)


def invoice_context(settlement: Settlement, header: InvoiceHeader) -> dict[str, object]:
    """What the template shows."""
    engagement = settlement.contract.engagement
    return {
        "settlement": settlement,
        "engagement": engagement,
        "invoicing": settlement.contract.invoicing,
        "header": header,
        "number": _(header.number) if header.number == DRAFT else header.number,
        "title": _title(header),
        "priced": settlement.priced,
        "currency": settlement.priced.currency,
        "lines": invoice_lines(settlement),
        "totals": tuple(total_rows(settlement)),
        "closing": closing(settlement.priced),
        "tax_notes": tuple(dict.fromkeys(filter(None, map(tax_note, settlement.priced.taxes)))),
        "tax_currency": tax_currency(settlement.priced),
        "provider_address": address(engagement.provider),
        "client_address": address(engagement.client),
        "log": log_state(header.log),
    }


def _title(header: InvoiceHeader) -> str:
    if header.estimate:
        return _("Estimate of the invoice")
    return _("Corrected invoice") if header.corrects else _("Invoice")


def address(party: Party) -> tuple[str, ...]:
    """Street, place and country, the lines of an address below the name."""
    place = " ".join(part for part in (party.postcode, party.city, party.state) if part)
    return tuple(part for part in (party.street, place, country_name(party.country)) if part)


def invoice_lines(settlement: Settlement) -> tuple[InvoiceLine, ...]:
    """Charges in the contract's order, then the service credits that come off this invoice."""
    charges = (charge_line(settlement, line) for line in settlement.priced.lines)
    credited = (credit_lines(settlement, each) for each in settlement.settled_credits)
    return (*charges, *chain.from_iterable(credited))


def charge_line(settlement: Settlement, line: ChargeLine) -> InvoiceLine:
    """A charge with its arithmetic and the evidence that its quantity was counted from."""
    return InvoiceLine(
        title=line.title,
        reference=_joined(line.charge, line.clause),
        arithmetic=tuple(step_text(step, settlement.priced.currency) for step in line.steps),
        source=_source(settlement, line),
        quantity=number(round_half_up(line.quantity, _SHOWN)),
        unit=unit_name(line.unit),
        tax=tax_column(line.tax.category, line.tax.rate),
        amount=line.amount,
    )


def step_text(step: Step, currency: str) -> str:
    """One piece of arithmetic: "units up to 1000: 1,000 × 1.20 = 1,200.00".

    Six decimals at most: a quotient of days may never end, and "≈" then says so.
    """
    shown = [round_half_up(each, _SHOWN) for each in (step.quantity, step.price, step.amount)]
    equals = "=" if shown == [step.quantity, step.price, step.amount] else "≈"
    quantity, unit_price, product = shown
    text = f"{number(quantity)} × {price(unit_price, currency)} {equals} {price(product, currency)}"
    return f"{step.text}: {text}" if step.text else text


def _source(settlement: Settlement, line: ChargeLine) -> str:
    if line.meter is None:
        return ""
    reading = settlement.reading_of(line)
    if reading is None:
        return _("Meter {meter}, as stated in the usage").format(meter=unit_name(line.meter))
    evidence = ", ".join(f"{each.dataset} {digest(each.sha256)}" for each in reading.evidence)
    text = _("Meter {meter}: {rows} ledger rows{apart}").format(
        meter=unit_name(line.meter), rows=number(reading.rows), apart=_apart(reading)
    )
    return (
        _("{reading}; evidence {tables}").format(reading=text, tables=evidence)
        if evidence
        else text
    )


def _apart(reading: MeterReading) -> str:
    """What sets the rows apart from all that the meter counts on these days."""
    if reading.late:
        of = period(Period.parse(reading.late))
        text = _(" of {period} that came after its figures were sealed ({digest})")
        return text.format(period=of, digest=digest(reading.rows_sha256))
    if reading.left_out:
        text = _(", without {rows} that another period’s invoice bills")
        return text.format(rows=number(reading.left_out))
    return ""


def credit_lines(settlement: Settlement, given: ServiceCredits) -> Iterator[InvoiceLine]:
    """A line for each part of the credit, and one for what was earned back or is a bonus."""
    for level in given.service_levels:
        if level.credit:
            yield _credit_line(settlement, given, level)
    for title, key, why, amount in _further(given):
        yield _uncounted(
            tax=shared_tax(settlement),
            title=f"{title}, {period(given.period)}",
            reference=key,
            why=why,
            source="",
            amount=amount,
        )
    for earned in given.earn_backs:
        terms = settlement.terms_of(earned.service_level)
        yield _uncounted(
            tax=shared_tax(settlement),
            title=_("Service credit earned back: {title}, {period}").format(
                title=terms.title, period=period(earned.period)
            ),
            reference=_joined(terms.id, terms.clause),
            why=earned.why,
            source="",
            amount=earned.amount,
        )


def _further(given: ServiceCredits) -> Iterator[tuple[str, str, str, Decimal]]:
    """Title, id, sentence and amount of what isn't the credit of a service level's one miss."""
    for failure in (one for one in given.persistent_failures if one.credit):
        key = failure.service_level
        yield _("Service credit: persistent failure"), key, failure.why, -failure.credit
    for late in (one for one in given.milestones if one.credit):
        title = _("Service credit: {title}").format(title=late.title or late.id)
        yield title, late.id, late.why, -late.credit
    for level in given.service_levels:
        if level.bonus:
            yield _("Bonus"), level.id, level.why, level.bonus


def _credit_line(settlement: Settlement, given: ServiceCredits, credit: LevelCredit) -> InvoiceLine:
    level = settlement.terms_of(credit.id)
    measurement = _measurement(settlement, given, credit.id)
    return _uncounted(
        tax=shared_tax(settlement),
        title=_("Service credit: {title}, {period}").format(
            title=level.title, period=period(given.period)
        ),
        reference=_joined(level.id, level.clause),
        why=credit.why,
        source=_miss(measurement, settlement.priced.currency) if measurement else "",
        amount=-credit.credit,
    )


def shared_tax(settlement: Settlement) -> str:
    """The tax of a credit; empty where several taxes share it, and the totals show how."""
    taxes = settlement.priced.taxes
    return tax_column(taxes[0].category, taxes[0].rate) if len(taxes) == 1 else ""


def _uncounted(
    *, title: str, reference: str, why: str, source: str, amount: Decimal, tax: str
) -> InvoiceLine:
    """A line without quantity; it is taxed with the charges it is shared over."""
    return InvoiceLine(
        title=title,
        reference=reference,
        arithmetic=(why,),
        source=source,
        quantity="",
        unit="",
        tax=tax,
        amount=amount,
    )


def _measurement(
    settlement: Settlement, given: ServiceCredits, level_id: str
) -> Measurement | None:
    return next(
        (
            result
            for each in (settlement.measured, *reversed(settlement.history))
            if each.period == given.period
            for result in each.results
            if result.service_level == level_id
        ),
        None,
    )


def _miss(measurement: Measurement, currency: str) -> str:
    def shown(value: Decimal | None) -> str:
        return measured(value, measurement.unit, currency)

    text = _("Measured {value}, expected {expected}").format(
        value=shown(measurement.value), expected=shown(measurement.expected)
    )
    if measurement.minimum is None:
        return text
    return _("{figures}, minimum {minimum}").format(
        figures=text, minimum=shown(measurement.minimum)
    )


def total_rows(settlement: Settlement) -> Iterator[TotalRow]:
    """From the charges to the total, as priced; the amount payable stands below them."""
    priced = settlement.priced
    yield TotalRow(_("Charges"), "", priced.subtotal)
    if priced.service_credit:
        yield TotalRow(_("Service credit"), "", -priced.service_credit)
        yield TotalRow(_("Net amount"), "", priced.subtotal - priced.service_credit)
    for tax in priced.taxes:
        base = _("on {base}").format(base=price(tax.base, priced.currency))
        yield TotalRow(tax_total(tax), base, tax.amount)
    withheld = bool(priced.withholding)
    yield TotalRow(_("Total"), "", priced.total, strong=withheld)
    if withheld:
        yield TotalRow(_("Tax withheld by the client"), "", -priced.withholding)


def closing(priced: PricedPeriod) -> TotalRow:
    """What is payable, without a sign; the words say to whom."""
    label = _("Payable") if priced.payable >= 0 else _("In your favour")
    return TotalRow(label, priced.currency, abs(priced.payable))


@dataclass(frozen=True, slots=True)
class TaxCurrencyNote:
    """The taxes in the currency that they are declared in, and where its rate is from."""

    taxes: tuple[tuple[str, str], ...]
    """Name and amount of each tax above zero."""
    total: str
    rate: str
    """ "EUR 1 = PLN 4.2567", with its day and source beside it."""
    on: date
    source: str


def tax_currency(priced: PricedPeriod) -> TaxCurrencyNote | None:
    """None where tax is declared in the currency of the invoice."""
    stated = priced.tax_currency
    if stated is None:
        return None
    into = stated.rate.currency
    pairs = zip(priced.taxes, stated.amounts, strict=True)
    return TaxCurrencyNote(
        taxes=tuple((tax_total(tax), money(amount, into)) for tax, amount in pairs if tax.amount),
        total=money(stated.total, into),
        rate=f"1 {priced.currency} = {number(stated.rate.rate)} {into}".replace(" ", NARROW),
        on=stated.rate.on,
        source=stated.rate.source,
    )


def _joined(reference: str, clause: str) -> str:
    return reference if clause == "not stated" else f"{reference} · {clause}"
