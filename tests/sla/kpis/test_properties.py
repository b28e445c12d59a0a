"""What holds for every ledger, however it was settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.values import Period
from sla.evidence.ledger import Ledger
from sla.kpis import engine
from sla.kpis.catalogue import load_catalogue
from sla.kpis.definitions import KpiDefinition
from sla.kpis.engine import drill_down, run_kpi
from sla.kpis.parameters import bind_parameters, resolve_parameters
from sla.kpis.values import KpiResult
from sla.relief.values import NO_RELIEF
from tests.sla.kpis.ledgers import Row, calendars_in, ledger_of

PERIOD = Period.parse("2026-03")
OFFICE = calendars_in({"time_zone": "Europe/Berlin", "business_hours": {"country": "DE"}})
_FIRST = date(2025, 11, 1)
_DAYS = st.integers(0, 180).map(lambda days: _FIRST + timedelta(days=days))
_AMOUNTS = st.integers(0, 500_000).map(lambda cents: Decimal(cents).scaleb(-2))


@dataclass(frozen=True)
class Settlement:
    """Cash or an adjustment; `kind` is empty for cash."""

    invoice: int
    amount: Decimal
    on: date
    kind: str = ""


@dataclass(frozen=True)
class Invoice:
    """With its terms in days."""

    amount: Decimal
    issued: date
    terms: int


@dataclass(frozen=True)
class Book:
    """Invoices and what settles them."""

    invoices: Sequence[Invoice]
    settlements: Sequence[Settlement]

    def tables(self) -> Mapping[str, Sequence[Row]]:
        """As evidence; disputes on every second invoice, resolved after its terms.

        Staff, surveys and activities take their days from the invoices, too.
        """
        return {
            "invoices": [
                {
                    "invoice_id": f"I{number}",
                    "issue_date": invoice.issued,
                    "due_date": invoice.issued + timedelta(days=invoice.terms),
                    "amount": invoice.amount,
                }
                for number, invoice in enumerate(self.invoices)
            ],
            "allocations": [
                {
                    "receipt_id": f"R{number}",
                    "invoice_id": f"I{each.invoice}",
                    "amount": each.amount,
                    "applied_on": each.on,
                }
                for number, each in enumerate(self.settlements)
                if not each.kind
            ],
            "adjustments": [
                {
                    "adjustment_id": f"A{number}",
                    "invoice_id": f"I{each.invoice}",
                    "kind": each.kind,
                    "amount": each.amount,
                    "effective_on": each.on,
                }
                for number, each in enumerate(self.settlements)
                if each.kind
            ],
            "disputes": [
                {
                    "dispute_id": f"D{number}",
                    "invoice_id": f"I{number}",
                    "opened_at": invoice.issued,
                    "resolved_at": invoice.issued + timedelta(days=invoice.terms),
                }
                for number, invoice in enumerate(self.invoices)
                if number % 2
            ],
            "receipts": [
                {
                    "receipt_id": f"R{number}",
                    "received_at": each.on,
                    "posted_at": each.on + timedelta(days=number % 4) if number % 5 else None,
                    "amount": each.amount * (number % 3),
                }
                for number, each in enumerate(self.settlements)
                if not each.kind
            ],
            "placements": [
                {
                    "invoice_id": f"I{number}",
                    "placed_on": invoice.issued + timedelta(days=invoice.terms),
                    "amount": invoice.amount,
                }
                for number, invoice in enumerate([*self.invoices, *self.invoices[:2]])
            ],
            "activities": [
                {
                    "activity_id": f"{kind} {number}",
                    "invoice_id": f"I{number}" if number % 2 else None,
                    "at": invoice.issued,
                    "channel": "phone",
                    "kind": kind,
                    "promised_amount": invoice.amount if number % 3 else None,
                    "promised_on": invoice.issued + timedelta(days=invoice.terms),
                    "due_at": invoice.issued + timedelta(days=invoice.terms),
                }
                for number, invoice in enumerate(self.invoices)
                for kind in ("promise", "call", "contact", "reminder")
            ],
            "resources": [
                {
                    "person_id": f"P{number % 4}",
                    "role": f"role {number}",
                    "from": invoice.issued,
                    "to": invoice.issued + timedelta(days=invoice.terms) if number % 3 else None,
                    "fte": Decimal(number % 4).scaleb(-1),
                }
                for number, invoice in enumerate(self.invoices)
            ],
            "surveys": [
                {
                    "response_id": f"S{number}",
                    "answered_on": invoice.issued,
                    "score": invoice.terms % 6,
                    "scale_max": (5, 10, 0)[number % 3],
                }
                for number, invoice in enumerate(self.invoices)
            ],
            "clock_events": [
                {
                    "subject_id": f"D{number % 3}",
                    "clock": "uptime",
                    "at": invoice.issued + timedelta(days=days),
                    "event": event,
                }
                for number, invoice in enumerate(self.invoices)
                for event, days in (
                    ("start", 0),
                    ("pause", invoice.terms // 3),
                    ("resume", invoice.terms // 2),
                    ("stop", invoice.terms),
                )
            ],
            "observations": [
                {"measure": "uptime", "period": PERIOD.label, "value": len(self.invoices)}
            ],
        }

    def settled(self, number: int, day: date) -> Decimal:
        """What came off an invoice up to a day."""
        return sum(
            (each.amount for each in self.settlements if each.invoice == number and each.on <= day),
            Decimal(0),
        )

    def receivable(self, day: date) -> Decimal:
        """Σ open(i, day), as kpis.md words it."""
        return sum(
            (
                max(invoice.amount - self.settled(number, day), Decimal(0))
                for number, invoice in enumerate(self.invoices)
                if invoice.issued <= day
            ),
            Decimal(0),
        )

    def unapplied(self, day: date) -> Decimal:
        """What was settled beyond the amounts of the invoices issued up to a day."""
        return sum(
            (
                max(self.settled(number, day) - invoice.amount, Decimal(0))
                for number, invoice in enumerate(self.invoices)
                if invoice.issued <= day
            ),
            Decimal(0),
        )


@st.composite
def books(draw: st.DrawFn, kinds: Sequence[str] = ("", "", "credit_note", "write_off")) -> Book:
    """Ledgers with partial payments, over-allocation and settlement on every day from issue."""
    invoices = draw(st.lists(st.builds(Invoice, _AMOUNTS, _DAYS, st.integers(0, 60)), max_size=6))
    settlements = []
    for number, invoice in enumerate(invoices):
        for _ in range(draw(st.integers(0, 3))):
            # Whole amounts and halves make full payment likely, which random amounts don't.
            part = draw(st.sampled_from(["0.5", "1", "0.3", "1.2"]))
            amount = (invoice.amount * Decimal(part)).quantize(Decimal("0.01"))
            day = invoice.issued + timedelta(days=draw(st.integers(0, 90)))
            settlements.append(Settlement(number, amount, day, draw(st.sampled_from(kinds))))
    return Book(invoices, settlements)


def _run(kpi: str, ledger: Ledger, period: Period = PERIOD, **parameters: str) -> KpiResult:
    return run_kpi(load_catalogue()[kpi], ledger, period, parameters)


def _amount(number: Decimal | None) -> Decimal:
    return Decimal(0) if number is None else number


@dataclass(frozen=True)
class Movement:
    """How the receivable moved over some days, by the KPIs; adjustments by the book."""

    opening: Decimal
    closing: Decimal
    sales: Decimal
    cash: Decimal
    cash_rows: int
    adjustments: Decimal
    unapplied: Decimal

    @property
    def closes(self) -> bool:
        """Opening + sales − cash − adjustments = closing, with what is over-allocated unapplied."""
        rolled = self.opening + self.sales - self.cash - self.adjustments + self.unapplied
        return rolled == self.closing


def _movement(book: Book, ledger: Ledger, days: Period) -> Movement:
    before = days.start - timedelta(days=1)
    cash = _run("cash_collected", ledger, days)
    adjustments = (each.amount for each in book.settlements if each.kind and days.contains(each.on))
    return Movement(
        opening=_amount(_run("ageing", ledger, Period(before, before)).value),
        closing=_amount(_run("ageing", ledger, days).value),
        sales=_amount(_run("dso", ledger, days).denominator),
        cash=_amount(cash.value),
        cash_rows=cash.rows,
        adjustments=sum(adjustments, Decimal(0)),
        unapplied=book.unapplied(days.end) - book.unapplied(before),
    )


@settings(max_examples=30)
@given(books())
def test_buckets_add_up_to_the_receivable(book: Book) -> None:
    with ledger_of(book.tables()) as ledger:
        ageing = _run("ageing", ledger)
        shares = [_run(kpi, ledger).value for kpi in ("share_past_due", "share_over_90")]
    assert _amount(ageing.value) == book.receivable(PERIOD.end)
    assert sum((ageing.values or {}).values()) == book.receivable(PERIOD.end)
    assert all(share is None or 0 <= share <= 100 for share in shares)


@settings(max_examples=30)
@given(books())
def test_receivable_rolls_forward(book: Book) -> None:
    with ledger_of(book.tables()) as ledger:
        assert _movement(book, ledger, PERIOD).closes


@settings(max_examples=30)
@given(books(), st.sets(st.dates(PERIOD.start + timedelta(days=1), PERIOD.end), max_size=4))
def test_any_split_of_a_period_sums(book: Book, cuts: set[date]) -> None:
    """Each part rolls forward from where the one before ended, and the flows add up."""
    starts = [PERIOD.start, *sorted(cuts)]
    ends = [day - timedelta(days=1) for day in starts[1:]] + [PERIOD.end]
    with ledger_of(book.tables()) as ledger:
        whole = _movement(book, ledger, PERIOD)
        parts = [_movement(book, ledger, Period(*days)) for days in zip(starts, ends, strict=True)]
    assert all(part.closes for part in parts)
    assert [part.opening for part in parts[1:]] == [part.closing for part in parts[:-1]]
    assert (parts[0].opening, parts[-1].closing) == (whole.opening, whole.closing)
    for name in ("sales", "cash", "cash_rows", "adjustments", "unapplied"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name


@settings(max_examples=30)
@given(books(kinds=("",)))
def test_collection_effectiveness_without_adjustments(book: Book) -> None:
    """CEI = cash / (cash + past due), where nothing but cash settles an invoice."""
    with ledger_of(book.tables()) as ledger:
        index = _run("collection_effectiveness_index", ledger)
        cash = _amount(_run("cash_collected", ledger).value)
        past_due = _amount(_run("share_past_due", ledger).numerator)
    cash -= book.unapplied(PERIOD.end) - book.unapplied(PERIOD.previous().end)
    assert _amount(index.numerator) == cash
    assert _amount(index.denominator) == cash + past_due


@settings(max_examples=30)
@given(books(), st.sampled_from(["period_end", "rolling", "countback"]))
def test_delinquent_days_are_what_is_missing_to_the_best_possible(book: Book, variant: str) -> None:
    with ledger_of(book.tables()) as ledger:
        dso, best, delinquent = (
            _run(kpi, ledger, variant=variant).value
            for kpi in ("dso", "best_possible_dso", "average_days_delinquent")
        )
    if dso is None or best is None or delinquent is None:
        assert dso is best is delinquent is None
    else:
        assert abs(delinquent - (dso - best)) < Decimal("1e-20")
        assert delinquent >= 0


@settings(max_examples=30)
@given(books())
def test_countback_by_hand(book: Book) -> None:
    with ledger_of(book.tables()) as ledger:
        counted = _run("dso", ledger, variant="countback").value
    rest, days = book.receivable(PERIOD.end), Decimal(0)
    month = PERIOD
    while rest > 0:
        sales = sum((i.amount for i in book.invoices if month.contains(i.issued)), Decimal(0))
        part = Decimal(1) if rest >= sales else rest / sales
        days += part * month.days
        rest -= min(rest, sales)
        month = month.previous()
    assert abs(_amount(counted) - days) < Decimal("1e-20")


def _choices(definition: KpiDefinition) -> list[dict[str, str]]:
    """The defaults, and every parameter's choices one at a time."""
    needed = {"decimal": "2", "integer": "2", "text": "uptime"}
    given = {
        name: needed[parameter.type]
        for name, parameter in definition.parameters.items()
        if parameter.default is None
    }
    if definition.name == "collection_effectiveness_index":
        given["months"] = "3"
    changes = [
        {name: choice}
        for name, parameter in definition.parameters.items()
        for choice in (*parameter.choices, *(["true"] if parameter.type == "boolean" else []))
    ]
    return [given | change for change in [{}, *changes]]


@pytest.mark.parametrize("definition", load_catalogue().values(), ids=lambda each: each.name)
def test_contributions_add_up(definition: KpiDefinition) -> None:
    @settings(max_examples=10)
    @given(books(), st.sampled_from(_choices(definition)))
    def check(book: Book, parameters: dict[str, str]) -> None:
        with ledger_of(book.tables(), calendars=OFFICE) as ledger:
            resolved = resolve_parameters(definition, parameters)
            bound = bind_parameters(definition, resolved, PERIOD, ledger.handed_in)
            figure = engine._figure_row(definition, ledger, bound, NO_RELIEF)
            page = drill_down(definition, ledger, PERIOD, parameters, limit=1000)
        assert page.total == len(page.rows) == _amount(figure.get("ledger_rows"))
        for term in {"numerator", "denominator"} & set(page.columns):
            column = page.columns.index(term)
            contributions = [row[column] for row in page.rows]
            # Rows that can't be judged are listed, but are no figure.
            if figure.get(term) is not None:
                assert sum(Decimal(str(each)) for each in contributions) == figure[term]
                assert page.sums[term] == figure[term]

    check()


@settings(max_examples=30)
@given(books(), st.integers(1, 4))
def test_pages_of_a_drill_down_follow_each_other(book: Book, size: int) -> None:
    definition = load_catalogue()["cash_collected"]
    period = Period.parse("2026")
    with ledger_of(book.tables()) as ledger:
        whole = drill_down(definition, ledger, period, {}, limit=1000)
        pages = [
            drill_down(definition, ledger, period, {}, offset, size).rows
            for offset in range(0, whole.total, size)
        ]
    assert [row for page in pages for row in page] == list(whole.rows)
