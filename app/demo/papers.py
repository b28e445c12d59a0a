"""Files that others write in the demo: bank statements, and an invoice of the provider's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape

from billing.invoices.fee_document import FeeDocument
from billing.tax import percentage_of
from governance.values import Money, money_text, plain

_ACCOUNT = "DE89370400440532013000"
_CLIENT_ACCOUNT = "DE02120300000000202051"
_CLIENT = "Nordkamm Werkzeuge GmbH"
_DEARER = 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in from the client."""

    booked_on: date
    amount: Money
    text: str


def camt_statement(receipts: Iterable[Receipt]) -> bytes:
    """A camt.053 message, version 08, with booked credits."""
    entries = "".join(_entry(number, one) for number, one in enumerate(receipts, start=1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>STATEMENT</MsgId></GrpHdr><Stmt><Id>1</Id>"
        f"<Acct><Id><IBAN>{_ACCOUNT}</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _entry(number: int, one: Receipt) -> str:
    day = one.booked_on.isoformat()
    return (
        f'<Ntry><Amt Ccy="{one.amount.currency}">{_figure(one)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{one.booked_on:%Y%m%d}-{number:04}</AcctSvcrRef><NtryDtls><TxDtls>"
        "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"<RltdPties><Dbtr><Pty><Nm>{escape(_CLIENT, quote=False)}</Nm></Pty></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{_CLIENT_ACCOUNT}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.text, quote=False)}</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>"
    )


def csv_statement(receipts: Iterable[Receipt]) -> bytes:
    """What the bank's portal exports, with German headings and figures."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    rows.writerow(["Buchungstag", "Betrag", "Währung", "Auftraggeber", "IBAN", "Verwendungszweck"])
    for one in receipts:
        figure = _figure(one).replace(".", ",")
        day = f"{one.booked_on:%d.%m.%Y}"
        rows.writerow([day, figure, one.amount.currency, _CLIENT, _CLIENT_ACCOUNT, one.text])
    return text.getvalue().encode()


def _figure(one: Receipt) -> str:
    return money_text(one.amount.amount, one.amount.currency)


def own_invoice(document: FeeDocument, more: Decimal) -> bytes:
    """The same month as the provider's own system bills it, with more for its second line."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    headings = ("Invoice", "Invoice date", "Period", "Line", "Description", "Net", "VAT %", "VAT")
    rows.writerow(headings)
    label, day = document.period.label, document.period.end.isoformat()
    for line in document.lines:
        net = line.amount + (more if line.position == _DEARER else 0)
        tax = percentage_of(net, line.tax.rate, document.currency)
        stated, taxed = (money_text(one, document.currency) for one in (net, tax))
        cells = (line.charge, line.title, stated, plain(line.tax.rate), taxed)
        rows.writerow([f"OWN-{label}", day, label, *cells])
    return text.getvalue().encode()
