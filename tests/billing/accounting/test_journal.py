"""Entries balance, agree with their documents, and lose nothing, in both parties' books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from billing.accounting.accruals import accrual_entries, delivered, month_ends
from billing.accounting.books import Books, split
from billing.accounting.csv_rows import COLUMNS, journal_rows
from billing.accounting.documents import document_entry
from billing.accounting.movements import Allocated, Paid, payment_entries
from billing.accounting.values import AccountType, Entry, EntryKind
from billing.charges.values import TaxTreatment
from billing.credit_notes.calculation import Everything, Percentage, credit
from billing.credit_notes.documents import credit_note_document
from billing.credit_notes.lines import CreditedLine
from billing.invoices.fee_document import DocumentType, FeeDocument
from governance.access_terms import Side
from governance.contract.charges import TaxCategory
from governance.contract.invoicing import Accounts
from governance.errors import BadInput
from governance.values import Period, minor_digits, round_money, summed
from tests.billing.accounting.year import (
    CENTRES,
    NORMAL,
    YEAR,
    client_books,
    invoice_of_month,
    provider_books,
    year_of,
)
from tests.billing.credit_notes.build import make_invoice, treatment

BOOKS = [Books(side, Accounts(), centres) for side, centres in product(Side, ((), CENTRES))]
NAMED = [*BOOKS, client_books(), provider_books()]
_TAXES = st.sampled_from(
    [NORMAL, treatment("standard", "7"), treatment("exempt", "0"), treatment("reverse_charge", "0")]
)
_CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])


@st.composite
def documents(draw: st.DrawFn) -> FeeDocument:
    """Invoices of up to four lines, some negative, with a credit or bonus and withheld tax."""
    currency = draw(_CURRENCIES)
    places = minor_digits(currency)
    amounts = st.decimals(-(10**6), 10**6, places=places)
    lines = draw(st.lists(st.tuples(amounts.map(str), _TAXES), min_size=1, max_size=4))
    credit_ = draw(st.decimals(-(10**4), 10**4, places=places))
    return make_invoice(lines, str(credit_), currency, draw(st.sampled_from(["0", "7.5"])))


def on(entry: Entry, *names: str) -> Decimal:
    """What an entry posts to accounts whose names begin so."""
    return summed(one.amount for one in entry.postings if one.account.name.startswith(names))


@given(documents(), st.sampled_from(NAMED))
def test_every_document_balances_and_is_all_there(document: FeeDocument, books: Books) -> None:
    entry = document_entry(document, books)
    assert entry.difference == 0
    sign = books.sign
    assert on(entry, books.open().name) == sign * document.payable
    assert on(entry, books.withholding().name) == sign * document.withholding
    fees = {books.fees(line.charge).name for line in document.lines}
    assert on(entry, *fees, books.service_credits().name) == -sign * document.net
    if books.is_provider:
        assert on(entry, books.accounts.tax) == -document.tax
    for one in entry.postings:
        assert one.amount == round_money(one.amount, document.currency)


@given(documents())
def test_the_client_has_the_mirror(document: FeeDocument) -> None:
    provider, client = (document_entry(document, Books(side)) for side in reversed(Side))
    assert [one.amount for one in provider.postings] == [-one.amount for one in client.postings]


@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.lists(st.decimals(Decimal("0.01"), 100, places=2), min_size=1, max_size=9),
)
def test_parts_add_up_and_are_close_to_their_share(amount: Decimal, shares: list[Decimal]) -> None:
    parts = split(amount, shares, "EUR")
    assert summed(parts) == amount
    whole = sum(shares, Decimal(0))
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - amount * share / whole) < Decimal("0.01")


@pytest.mark.parametrize(
    ("amount", "currency", "parts"),
    [
        ("100.00", "EUR", ["33.34", "33.33", "33.33"]),
        ("0.01", "EUR", ["0.01", "0.00", "0.00"]),
        ("-0.02", "EUR", ["-0.01", "-0.01", "0.00"]),
        ("100", "JPY", ["34", "33", "33"]),
        ("1.000", "KWD", ["0.334", "0.333", "0.333"]),
    ],
)
def test_the_largest_remainder_gets_the_rest(amount: str, currency: str, parts: list[str]) -> None:
    assert [f"{one:f}" for one in split(Decimal(amount), [Decimal(1)] * 3, currency)] == parts


@given(documents().filter(lambda one: one.payable > 0), st.sampled_from(BOOKS))
def test_credit_notes_for_everything_leave_nothing(document: FeeDocument, books: Books) -> None:
    sums: dict[str, Decimal] = {}
    for one in (document, *_credited(document)):
        for posting in document_entry(one, books).postings:
            name = posting.account.name
            sums[name] = sums.get(name, Decimal(0)) + posting.amount
    assert not any(sums.values())


def _credited(document: FeeDocument) -> list[FeeDocument]:
    """A part of it, where lines of one tax have any left, and the rest."""
    so_far: dict[int, CreditedLine] = {}
    try:
        first = credit(document, Percentage(Decimal(30)))
        so_far = {line.position: line for line in first.lines}
        rest = credit(document, Everything(), so_far)
    except BadInput:
        reject()
    return [
        credit_note_document(
            document, figures, reason="too much", number=number, issued_on=date(2026, 5, 1)
        )
        for number, figures in (("CN-1", first), ("CN-2", rest))
    ]


def test_drafts_and_figures_that_do_not_add_up_are_refused() -> None:
    document = invoice_of_month(1)
    with pytest.raises(BadInput, match="draft"):
        document_entry(replace(document, number=None), BOOKS[0])
    with pytest.raises(BadInput, match="CW-2026-00001 don't add up: 1"):
        document_entry(replace(document, payable=document.payable + 1), provider_books())


def test_tax_due_from_the_client_stands_on_both_sides_of_its_books() -> None:
    document = invoice_of_month(3)
    entry = document_entry(document, client_books("21"))
    own = round_money(document.net * 21 / 100, "EUR")
    assert on(entry, "assets:input tax:reverse charge") == own
    assert on(entry, "liabilities:tax on purchases:reverse charge") == -own
    assert not on(document_entry(document, client_books(None)), "liabilities:tax on purchases")
    assert not on(document_entry(document, provider_books()), "liabilities:tax")


def test_sales_tax_is_a_cost_of_the_client() -> None:
    tax = TaxTreatment(TaxCategory.STANDARD, Decimal("8.25"), name="Sales tax")
    document = make_invoice([("1000.00", tax)])
    named = replace(
        document,
        taxes=tuple(replace(one, tax=replace(one.tax, name="Sales tax")) for one in document.taxes),
    )
    entry = document_entry(named, client_books())
    assert on(entry, "expenses:Sales tax 8.25%") == Decimal("82.50")
    assert {
        one.cost_centre for one in entry.postings if one.account.name.startswith("expenses")
    } == {
        "KST-10",
        "KST-20",
        "KST-30",
    }


def test_a_cost_centre_has_its_own_purchase_order() -> None:
    entry = document_entry(invoice_of_month(1), provider_books())
    orders = {one.cost_centre: one.purchase_order for one in entry.postings if one.cost_centre}
    assert orders == {"KST-10": "PO-1, part 2", "KST-20": "PO-77", "KST-30": "PO-1, part 2"}


def _paid(*allocations: Allocated, **more: object) -> list[Entry]:
    paid = Paid(
        "PAY-1",
        date(2026, 1, 30),
        date(2026, 2, 2),
        "EUR",
        Decimal(100),
        "Nordlicht",
        allocations,
        **more,  # type: ignore[arg-type] # Fields by name.
    )
    return list(payment_entries(paid, Books(Side.PROVIDER)))


def test_what_is_allocated_when_it_is_recorded_is_one_entry() -> None:
    (entry,) = _paid(Allocated("A", Decimal(60), date(2026, 2, 2)))
    assert entry.on == date(2026, 1, 30)
    assert [(one.account.name, f"{one.amount}") for one in entry.postings] == [
        ("assets:bank", "100"),
        ("assets:receivable", "-60"),
        ("liabilities:overpayments", "-40"),
    ]


def test_what_is_allocated_later_changes_no_closed_month() -> None:
    first, second, third = _paid(Allocated("A", Decimal(60), date(2026, 3, 2), date(2026, 4, 1)))
    assert [one.kind for one in (first, second, third)] == [
        EntryKind.PAYMENT,
        EntryKind.ALLOCATION,
        EntryKind.ALLOCATION_TAKEN_BACK,
    ]
    assert [one.on for one in (second, third)] == [date(2026, 3, 2), date(2026, 4, 1)]
    assert [on(one, "assets:receivable") for one in (first, second, third)] == [
        Decimal(amount) for amount in (0, -60, 60)
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 50),
            st.dates(date(2026, 2, 1), date(2026, 2, 9)),
            st.none() | st.dates(date(2026, 2, 1), date(2026, 2, 9)),
        ),
        max_size=4,
    ),
    st.none() | st.just(date(2026, 2, 20)),
)
def test_payments_end_up_where_their_money_is(
    parts: list[tuple[int, date, date | None]], bounced_on: date | None
) -> None:
    allocated = [Allocated("A", Decimal(amount), since, back) for amount, since, back in parts]
    entries = _paid(*allocated, bounced_on=bounced_on)
    assert not any(entry.difference for entry in entries)
    held = summed(one.amount for one in allocated if one.taken_back_on is None)
    kept = Decimal(0 if bounced_on else 100)
    assert summed(on(entry, "assets:bank") for entry in entries) == kept
    assert summed(on(entry, "assets:receivable") for entry in entries) == -held
    assert summed(on(entry, "liabilities:overpayments") for entry in entries) == held - kept


def test_month_ends_reach_back_to_what_is_reversed_first() -> None:
    march = Period.month(2026, 3)
    assert month_ends(march, date(2026, 6, 1)) == (date(2026, 2, 28), date(2026, 3, 31))
    assert month_ends(march, date(2026, 3, 30)) == (date(2026, 2, 28),)
    assert month_ends(Period(date(2026, 3, 2), date(2026, 3, 30)), date(2026, 6, 1)) == ()


def test_what_is_delivered_and_not_billed_is_accrued_and_reversed() -> None:
    january = invoice_of_month(1)
    late = replace(january, issued_on=date(2026, 3, 5))
    entries = list(
        accrual_entries([late], month_ends(YEAR, date(2027, 1, 1)), Books(Side.PROVIDER))
    )
    assert [(one.on, on(one, "assets:accrued revenue")) for one in entries] == [
        (date(2026, 1, 31), january.net),
        (date(2026, 2, 1), -january.net),
        (date(2026, 2, 28), january.net),
        (date(2026, 3, 1), -january.net),
    ]
    assert not any(one.difference for one in entries)
    (client, _) = accrual_entries([january], [date(2026, 1, 31)], Books(Side.CLIENT))
    assert on(client, "liabilities:accrued expenses") == -january.net


def test_what_is_issued_on_the_last_day_is_not_accrued() -> None:
    issued = replace(invoice_of_month(1), issued_on=date(2026, 1, 31))
    returned = replace(invoice_of_month(1), type=DocumentType.CREDIT_NOTE)
    ends = [date(2025, 12, 31), date(2026, 1, 31)]
    assert not list(accrual_entries([issued, returned], ends, BOOKS[0]))


def test_of_a_quarter_the_days_that_have_passed_are_accrued() -> None:
    quarter = replace(make_invoice([("90.00", NORMAL)], "9.00"), period=Period.parse("2026-Q1"))
    assert delivered(quarter, date(2026, 1, 31)).lines[0].amount == Decimal("31.00")
    entries = accrual_entries([quarter], [date(2026, 1, 31)], Books(Side.PROVIDER))
    assert on(next(iter(entries)), "assets:accrued revenue") == Decimal("27.90")
    assert delivered(quarter, date(2026, 4, 30)) == quarter


def _month(number: int, net: str, credit: str = "0.00") -> FeeDocument:
    """What a month of a quarter delivered; it has no invoice of its own."""
    return replace(make_invoice([(net, NORMAL)], credit), period=Period.month(2026, number))


def _accrued(entries: Iterable[Entry]) -> list[tuple[date, Decimal]]:
    """Day and amount of each accrual; its reversal is the opposite."""
    return [
        (one.on, on(one, "assets:accrued revenue"))
        for one in entries
        if one.kind is EntryKind.ACCRUAL
    ]


def test_settled_months_of_an_unfinished_quarter_are_accrued_with_their_own_figures() -> None:
    """100.00, then 140.00 less a credit of 14.00; March isn't settled."""
    months = [_month(1, "100.00"), _month(2, "140.00", "14.00")]
    ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    found = _accrued(accrual_entries([], ends, Books(Side.PROVIDER), months))
    first, second = Decimal("100.00"), Decimal("126.00")
    assert found == [
        (ends[0], first),
        (ends[1], first),
        (ends[1], second),
        (ends[2], first),
        (ends[2], second),
    ]


def test_a_drawn_up_quarter_takes_the_place_of_its_months_at_its_end() -> None:
    """The quarter comes to 300.00 with its rebate; its months by themselves to more."""
    months = [_month(1, "100.00"), _month(2, "140.00"), _month(4, "9.00")]
    made = make_invoice([("300.00", NORMAL)], "0.00")
    quarter = replace(made, number=None, issued_on=None, period=Period.parse("2026-Q1"))
    ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    issued = replace(quarter, number="CW-2026-00001", issued_on=date(2026, 4, 4))
    expected = [
        (ends[0], Decimal("100.00")),
        (ends[1], Decimal("100.00")),
        (ends[1], Decimal("140.00")),
        (ends[2], Decimal("300.00")),
    ]
    books = Books(Side.PROVIDER)
    for document, april in (
        (quarter, [Decimal("300.00"), Decimal("9.00")]),
        (issued, [Decimal("9.00")]),
    ):
        found = _accrued(accrual_entries([document], ends, books, months))
        assert found == [*expected, *((ends[3], amount) for amount in april)]
    # February was never settled by itself: the days that have passed, 59 of 90.
    partly = _accrued(accrual_entries([quarter], [ends[1]], books, months[:1]))
    assert partly == [(ends[1], Decimal("196.67"))]


@pytest.mark.parametrize("books", [provider_books(), client_books()], ids=["provider", "client"])
def test_a_year_is_in_order_and_its_totals_are_those_of_its_entries(books: Books) -> None:
    journal = year_of(books)
    assert [one.on for one in journal.entries] == sorted(one.on for one in journal.entries)
    for currency in ("EUR", "JPY"):
        totals = [one for one in journal.totals if one.currency == currency]
        volume = summed(one.volume for one in journal.entries if one.currency == currency)
        assert summed(one.debit for one in totals) == volume
        assert summed(one.credit for one in totals) == volume
    accrued = next(one for one in journal.totals if one.account == books.accrued())
    assert accrued.balance == books.sign * (invoice_of_month(7).net)


def test_a_table_has_one_posting_a_line() -> None:
    journal = year_of(provider_books())
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in journal_rows(journal)]
    assert len(rows) == sum(len(one.postings) for one in journal.entries)
    by_entry: dict[object, Decimal] = {}
    for row in rows:
        amount = Decimal(str(row["debit"] or 0)) - Decimal(str(row["credit"] or 0))
        by_entry[row["entry"]] = by_entry.get(row["entry"], Decimal(0)) + amount
    assert by_entry == dict.fromkeys(range(1, len(journal.entries) + 1), Decimal(0))
    yen = next(row for row in rows if row["document"] == "CW-2026-00012" and row["debit"])
    assert str(yen["debit"]) == "178104"
    assert {one.account.type for one in journal.totals} >= set(AccountType) - {AccountType.EXPENSE}
