"""A year of fees as values: invoices, credit notes, payments and a write-off, in both books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from billing.accounting.accruals import accrual_entries, month_ends
from billing.accounting.books import Books
from billing.accounting.documents import document_entry
from billing.accounting.late_charges import LateCharged, late_charge_entries
from billing.accounting.movements import (
    Allocated,
    Paid,
    Refunded,
    WrittenOff,
    payment_entries,
    write_off_entry,
)
from billing.accounting.values import Entry, Journal, in_order
from billing.invoices.fee_document import DocumentType, FeeDocument
from governance.access_terms import Side
from governance.contract.invoicing import Accounts, CostCentre
from governance.values import Period
from tests.billing.credit_notes.build import make_invoice, treatment

NORMAL, REDUCED = treatment("standard", "19"), treatment("standard", "7")
DUE_FROM_CLIENT = treatment("reverse_charge", "0")
CENTRES = (
    CostCentre(id="KST-10", title="Collections", share_percent=Decimal("33.3")),
    CostCentre(id="KST-20", title="Risk", share_percent=Decimal("33.3"), purchase_order="PO-77"),
    CostCentre(id="KST-30", title="Legal", share_percent=Decimal("33.4")),
)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
HOSTILE = 'Fees; "the (best)", [2026-02-30] | date:2026-13-45 = 5\n\t* ! =cmd'


def provider_books(**more: object) -> Books:
    """The provider's, with accounts of its own for two things."""
    accounts = Accounts(receivable="1400 Forderungen", by_charge={"CH-01": "8400; (Erlöse)  19 %"})
    return Books(Side.PROVIDER, accounts, CENTRES, **more)  # type: ignore[arg-type] # One field.


def client_books(rate: str | None = "19") -> Books:
    """The client's, with the rate that it declares itself."""
    return Books(Side.CLIENT, Accounts(), CENTRES, Decimal(rate) if rate else None)


def invoice_of_month(month: int) -> FeeDocument:
    """Issued on the second of the next month, with two rates or the tax due from the client."""
    taxes = (DUE_FROM_CLIENT, DUE_FROM_CLIENT) if month % 3 == 0 else (NORMAL, REDUCED)
    amounts = [(f"{1000 + month}.01", taxes[0]), ("7.55", taxes[1])]
    withheld = "5" if month == 2 else "0"
    made = make_invoice(amounts, "100.03" if month % 2 else "-20.00", withheld=withheld)
    period = Period.month(2026, month)
    return replace(
        made,
        number=f"CW-2026-{month:05}",
        issued_on=period.end + timedelta(days=2),
        period=period,
        title=HOSTILE if month == 4 else "Collections",
        purchase_order="PO-1, part 2",
    )


def year_of(books: Books) -> Journal:
    """Every kind of entry, in two currencies."""
    documents = [*(invoice_of_month(month) for month in range(1, 12)), _yen(), _draft()]
    returned = replace(
        documents[0],
        type=DocumentType.CREDIT_NOTE,
        number="CN-2026-00001",
        issued_on=date(2026, 3, 3),
    )
    posted = [*(one for one in documents if one.number), returned]
    entries = [
        *(document_entry(one, books) for one in posted),
        *_movements(books),
        *accrual_entries(documents, month_ends(YEAR, date(2027, 1, 15)), books),
    ]
    return Journal("ENG-1", HOSTILE, books.side, YEAR, in_order(entries, YEAR), ("A note\n; x",))


def _yen() -> FeeDocument:
    made = make_invoice([("150000", NORMAL)], "333", "JPY")
    return replace(made, number="CW-2026-00012", issued_on=date(2026, 4, 30))


def _draft() -> FeeDocument:
    december = Period.month(2026, 12)
    return replace(invoice_of_month(7), number=None, issued_on=None, due_on=None, period=december)


def _movements(books: Books) -> Iterator[Entry]:
    payee = "Nordlicht Handel GmbH" if books.is_provider else "Clearwater Receivables Ltd"
    paid = Paid(
        reference="PAY-1",
        booked_on=date(2026, 2, 10),
        recorded_on=date(2026, 2, 11),
        currency="EUR",
        amount=Decimal("2000.00"),
        payee=payee,
        allocations=(
            Allocated("CW-2026-00001", Decimal("1000.00"), date(2026, 2, 11), date(2026, 5, 4)),
            Allocated("CW-2026-00002", Decimal("400.00"), date(2026, 3, 9)),
        ),
        refunds=(Refunded(Decimal("50.00"), date(2026, 6, 1), "paid twice"),),
    )
    bounced = replace(
        paid,
        reference="PAY-2",
        allocations=(Allocated("CW-2026-00003", Decimal(9), date(2026, 4, 9), date(2026, 4, 9)),),
        refunds=(),
        bounced_on=date(2026, 4, 8),
        bounce_reason=HOSTILE,
    )
    yield from payment_entries(paid, books)
    yield from payment_entries(bounced, books)
    charged = LateCharged(
        "RM-1",
        "Interest for late payment of CW-2026-00002",
        date(2026, 5, 5),
        "EUR",
        Decimal("12.34"),
        payee,
        date(2026, 6, 6),
        HOSTILE,
    )
    yield from late_charge_entries(charged, books)
    given_up = WrittenOff(
        "WO-1", date(2026, 9, 1), "CW-2026-00005", "EUR", Decimal("0.07"), payee, "rounding"
    )
    entry = write_off_entry(given_up, books)
    if entry is not None:
        yield entry
