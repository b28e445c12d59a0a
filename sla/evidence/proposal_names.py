"""Names under which usual systems export what a ledger needs, in English and German."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a column of a receivables export can be."""

    INVOICE = "invoice_id"
    CUSTOMER = "customer_id"
    NAME = "name"
    COUNTRY = "country"
    ISSUED = "issue_date"
    DUE = "due_date"
    TERMS = "terms"
    PAID = "paid_on"
    AMOUNT = "amount"
    CURRENCY = "currency"
    UNIT = "business_unit"
    DISPUTED = "disputed"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Look:
    """How a role is recognised."""

    title: str
    names: tuple[str, ...]
    """Whole headings, the most telling first, without case, blanks and marks."""
    words: tuple[str, ...]
    """Parts of headings that speak for it."""
    kinds: frozenset[str]
    """What its values look like; empty where that says nothing."""
    needed: bool = False


_DATES = frozenset({"dates"})
_AMOUNTS = frozenset({"amounts", "whole numbers"})

LOOKS: Mapping[Role, Look] = {
    Role.INVOICE: Look(
        "number of the invoice or document",
        (
            "invoiceid",
            "invoicenumber",
            "invoiceno",
            "invoice",
            "docid",
            "belnr",
            "documentnumber",
            "belegnummer",
            "belegnr",
            "rechnungsnummer",
            "rechnungsnr",
            "rechnung",
            "num",
            "no",
            "nr",
            "nummer",
            "number",
            "name",
            "docnum",
            "billno",
            "rowid",
            "vbeln",
            "faktura",
            "referenz",
            "reference",
            "caseid",
            "key0",
        ),
        ("invoice", "document", "doc", "beleg", "rechn", "number"),
        frozenset(),
        needed=True,
    ),
    Role.CUSTOMER: Look(
        "number or name of the customer",
        (
            "customerid",
            "custnumber",
            "customernumber",
            "customerno",
            "kunnr",
            "kundennummer",
            "kundennr",
            "debitor",
            "debitorennummer",
            "customer",
            "kunde",
            "contactname",
            "partnerid",
            "partner",
            "client",
            "clientid",
            "accountnumber",
            "customerfullname",
            "namecustomer",
            "caseid",
        ),
        ("cust", "kund", "debitor", "contact", "partner", "client"),
        frozenset(),
        needed=True,
    ),
    Role.NAME: Look(
        "name of the customer",
        ("customername", "namecustomer", "name1", "kundenname", "name", "firma", "contactname"),
        ("namecust", "custname", "customername", "kundenname"),
        frozenset({"text"}),
    ),
    Role.COUNTRY: Look(
        "country of the customer",
        ("country", "countrycode", "land", "land1", "pocountry"),
        ("country",),
        frozenset(),
    ),
    Role.ISSUED: Look(
        "day on which the invoice was issued",
        (
            "issuedate",
            "invoicedate",
            "postingdate",
            "documentdate",
            "date",
            "budat",
            "bldat",
            "rechnungsdatum",
            "belegdatum",
            "buchungsdatum",
            "datum",
            "documentcreatedate",
            "issued",
            "billdate",
            "transactiondate",
        ),
        ("invoicedate", "posting", "issue", "rechnungsdatum", "belegdat", "buchungsdat"),
        _DATES,
        needed=True,
    ),
    Role.DUE: Look(
        "day on which it is due",
        (
            "duedate",
            "dueindate",
            "due",
            "invoicedatedue",
            "datematurity",
            "faelligkeit",
            "fälligkeit",
            "faelligam",
            "fälligam",
            "faelligkeitsdatum",
            "fälligkeitsdatum",
            "nettofälligkeit",
            "nettofaelligkeit",
            "faedt",
            "maturity",
        ),
        ("due", "fällig", "faellig", "maturity"),
        _DATES,
    ),
    Role.TERMS: Look(
        "days, or terms, of payment",
        ("terms", "paymentterms", "zahlungsziel", "zahlungsbedingung", "termsdays", "zterm"),
        ("terms", "zahlungsziel"),
        frozenset({"whole numbers", "text"}),
    ),
    Role.PAID: Look(
        "day on which it was paid",
        (
            "cleardate",
            "clearingdate",
            "settleddate",
            "paymentdate",
            "paiddate",
            "paidon",
            "augdt",
            "ausgleichsdatum",
            "ausgleich",
            "zahlungsdatum",
            "bezahltam",
            "dateofpayment",
        ),
        ("clear", "settled", "paidon", "paiddate", "paymentdate", "ausgleich", "bezahlt"),
        _DATES,
    ),
    Role.AMOUNT: Look(
        "amount of the invoice",
        (
            "amount",
            "totalopenamount",
            "invoiceamount",
            "openamount",
            "openbalance",
            "wrbtr",
            "dmbtr",
            "betrag",
            "offenerbetrag",
            "rechnungsbetrag",
            "bruttobetrag",
            "brutto",
            "gross",
            "total",
            "amountresidual",
            "invoiceamountdue",
            "amounttotal",
            "convertedusd",
            "summe",
            "debit",
            "soll",
            "balance",
            "saldo",
        ),
        ("amount", "betrag", "balance", "saldo", "total", "brutto", "usd", "eur"),
        _AMOUNTS,
        needed=True,
    ),
    Role.CURRENCY: Look(
        "currency",
        (
            "currency",
            "currencycode",
            "invoicecurrency",
            "waehrung",
            "währung",
            "waers",
            "currencyid",
            "curr",
        ),
        ("curr", "währ", "waehr"),
        frozenset({"currencies"}),
    ),
    Role.UNIT: Look(
        "business unit",
        ("businessunit", "businesscode", "companycode", "bukrs", "buchungskreis"),
        ("businesscode", "companycode", "buchungskreis", "businessunit"),
        frozenset(),
    ),
    Role.DISPUTED: Look(
        "flag of disputed invoices",
        ("disputed", "dispute", "isdisputed", "strittig", "reklamiert", "klaerfall"),
        ("disput", "strittig", "reklam"),
        frozenset({"flags"}),
    ),
    Role.EVENT: Look(
        "name of an event",
        ("event", "activity", "conceptname", "eventname", "ereignis", "vorgang"),
        ("conceptname", "activity", "ereignis"),
        frozenset({"text"}),
    ),
}

SAP_CUSTOMER_DIGITS = 10
"""SAP keeps a customer's number in ten characters, filled with zeros on the left."""
SAP_NAMES = frozenset({"custnumber", "kunnr", "kundennummer", "debitor"})


def plain(heading: str) -> str:
    """A heading without case, blanks and marks, as it is compared."""
    return re.sub(r"[^\w]|_", "", heading.strip().lower())


def name_score(look: Look, heading: str) -> int:
    """How much a heading speaks for a role: 0 for not at all, above 100 for a usual name."""
    text = plain(heading)
    if text in look.names:
        return 200 - look.names.index(text)
    return 50 if any(word in text for word in look.words) else 0
