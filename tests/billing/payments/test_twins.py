"""One payment in statements of both kinds is one payment, in any order and any split."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.payments.csv_reader import Mapped
from billing.payments.matching import Payer
from billing.payments.statements import Books, Fate, Line, hold, read_statement
from billing.payments.twins import Known, says_the_same
from billing.payments.values import Direction, Entry, OpenInvoice, Source
from tests.billing.payments.statements import Tx, entry, statement

_PAYER = Payer("Nordlicht Handel GmbH")
_INVOICES = tuple(
    OpenInvoice(at, f"CW-2026-0000{at}", "EUR", 10000, date(2026, 3, 28)) for at in (1, 2, 3)
)


@dataclass(frozen=True)
class Paid:
    """A payment as the bank knows it."""

    day: int
    cents: int
    text: str
    number: int

    @property
    def booked(self) -> str:
        return (date(2026, 3, 1) + timedelta(days=self.day)).isoformat()

    @property
    def amount(self) -> str:
        return f"{self.cents // 100}.{self.cents % 100:02}"


def _csv(payments: Iterable[Paid]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["Date", "Amount", "Text"])
    # A bank's portal writes the remittance its own way.
    rows.writerows([one.booked, one.amount, one.text.lower().replace("-", " ")] for one in payments)
    return text.getvalue().encode()


def _camt(payments: Iterable[Paid]) -> bytes:
    return statement(
        *(
            entry(one.amount, Tx(one.text), day=one.booked, servicer=f"BANK{one.number}")
            for one in payments
        )
    )


def _held(source: Source, payments: Sequence[Paid], known: Sequence[Known]) -> tuple[Line, ...]:
    data = _csv(payments) if source is Source.CSV else _camt(payments)
    read = read_statement("bank", data, Mapped(), "EUR")
    return hold(read, Books(_INVOICES, _PAYER, known, {}))


def _follow(lines: Iterable[Line], source: Source, known: list[Known]) -> None:
    """Record everything but what is probably recorded already."""
    for line in lines:
        if line.fate is Fate.TAKE and not line.payment:
            known.append(Known(len(known) + 1, line.entry.key, line.entry, source))


_PAYMENTS = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from([5000, 10000])), min_size=1, max_size=6
)
_IMPORTS = st.lists(
    st.tuples(st.sampled_from([Source.CSV, Source.CAMT_053]), st.integers(1, 63)),
    min_size=1,
    max_size=6,
)


def _chosen(payments: Sequence[Paid], mask: int) -> list[Paid]:
    return [one for place, one in enumerate(payments) if mask >> place & 1]


@settings(max_examples=60, deadline=None)
@given(_PAYMENTS, _IMPORTS, st.booleans())
def test_any_order_and_split_of_both_kinds_doubles_nothing(
    made: list[tuple[int, int]], imports: list[tuple[Source, int]], named: bool
) -> None:
    payments = [
        Paid(day, cents, f"Invoice CW-2026-1000{at}" if named else "", at)
        for at, (day, cents) in enumerate(made)
    ]
    known: list[Known] = []
    seen: set[Paid] = set()
    for source, mask in imports:
        part = _chosen(payments, mask) or payments
        seen |= set(part)
        _follow(_held(source, part, known), source, known)
    recorded = Counter(one.entry.minor for one in known)
    expected = Counter(one.cents for one in seen)
    assert all(recorded[cents] <= expected[cents] for cents in recorded)
    if named:
        assert recorded == expected, "a remittance that tells leaves no doubt"


def test_a_twin_is_shown_with_its_reason_and_not_ticked() -> None:
    paid = Paid(1, 10000, "CW-2026-00001", 1)
    known: list[Known] = []
    _follow(_held(Source.CSV, [paid], known), Source.CSV, known)
    (line,) = _held(Source.CAMT_053, [paid], known)
    assert (line.fate, line.ticked, line.payment) == (Fate.TAKE, False, 1)
    assert line.why == (
        "probably the same as PAY-1, from a CSV statement: the same amount, reference, and the"
        " same day; tick it only if it is another payment"
    )
    (again,) = _held(Source.CSV, [paid], known)
    assert again.why == "recorded already as PAY-1"
    (other,) = _held(Source.CAMT_053, [replace(paid, text="CW-2026-00002")], known)
    assert (other.payment, other.ticked) == (0, True)


def test_a_twin_takes_no_invoice_from_another_payment() -> None:
    first, second = Paid(1, 10000, "CW-2026-00001", 1), Paid(3, 10000, "CW-2026-00001", 2)
    known: list[Known] = []
    _follow(_held(Source.CSV, [first], known), Source.CSV, known)
    held = _held(Source.CAMT_053, [first, second], known)
    assert [one.payment for one in held] == [1, 0]
    assert [bool(one.proposal and one.proposal.parts) for one in held] == [False, True]
    assert [one.ticked for one in held] == [False, True]


def test_a_return_that_is_noted_from_the_other_kind_is_not_ticked_again() -> None:
    tx = Tx("CW-2026-00001", end_to_end="E-1")
    data = statement(entry("100.00", tx, day="2026-03-09", debit=True, reversal=True))
    read = read_statement("bank", data, Mapped(), "EUR")
    came = replace(read.entries[0], key="in", direction=Direction.IN, booked_on=date(2026, 3, 2))
    noted = Known(1, "in", came, Source.CSV, bounced_on=date(2026, 3, 9), bounce_key="csv")
    (line,) = hold(read, Books((), _PAYER, [noted], {}))
    assert (line.fate, line.ticked) == (Fate.SKIP, False)
    assert "noted already as the return of PAY-1" in line.why
    still = replace(noted, number=2, bounced_on=None, bounce_key="")
    (line,) = hold(read, Books((), _PAYER, [noted, still], {}))
    assert (line.fate, line.ticked, line.payment) == (Fate.BOUNCE, False, 2)


def _entry(text: str = "", **more: str) -> Entry:
    day = date(2026, 3, 1)
    references = tuple(filter(None, [more.pop("reference", "")]))
    return Entry(
        "k",
        "",
        Direction.IN,
        day,
        day,
        "EUR",
        1,
        text=text,
        references=references,
        **more,
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (_entry("CW-2026-1"), _entry("cw 2026/1"), True),
        (_entry("CW-2026-1 thank you"), _entry("CW20261"), True),
        (_entry("CW-2026-1"), _entry("CW-2026-2"), False),
        (_entry("CW-2026-00002"), _entry("cw 2026/2"), True),
        (_entry(), _entry("CW-2026-2"), None),
        (_entry("paid", reference="RF18 5390"), _entry("RF185390 fees"), True),
        (_entry("a", end_to_end_id="E-1"), _entry("b", end_to_end_id="E-1"), True),
        (_entry("a", end_to_end_id="E-1"), _entry("a", end_to_end_id="E-2"), False),
        (_entry("a", end_to_end_id="NOTPROVIDED"), _entry("a", end_to_end_id="E-2"), True),
        (_entry("a", iban="DE1"), _entry("a", iban="DE2"), False),
    ],
)
def test_what_two_entries_say(first: Entry, second: Entry, same: bool | None) -> None:
    assert says_the_same(first, second) is same
    assert says_the_same(second, first) is same
